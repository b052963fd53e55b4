"Sphinx settings of the documentation site; docs/build.py calls it."
project = 'rbc_overlap'
html_title = 'rbc_overlap'
author = copyright = 'The rbc_overlap developers'
extensions = ['myst_nb', 'sphinx-mathjax-offline']
html_theme = 'furo'
html_favicon = 'static/icon.svg'
html_static_path,html_css_files = ['static'],['site.css']
html_show_sphinx = False
nb_execution_mode, nb_render_markdown_format = 'off', 'gfm'
nb_code_prompt_show, nb_code_prompt_hide = 'Code', 'Code'
nb_mime_priority_overrides = [('html', 'image/png', 0), ('html', 'text/markdown', 1)]
myst_enable_extensions = ['attrs_inline', 'colon_fence', 'dollarmath', 'amsmath']
myst_heading_anchors = 3
pygments_style, pygments_dark_style = 'friendly', 'native'
linkcheck_ignore = ['https://github.com/rbc-overlap/rbc_overlap/blob/'] # files of this repository: .ci/pages.py looks for them
html_use_index = False
