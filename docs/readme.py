"Write README.md from nbs/index.ipynb: its prose and code as they are, its outputs as text."
import json
from pathlib import Path

ROOT = Path(__file__).parent.parent

def text(source): return ''.join(source)

def shown(output):
    "Markdown of one output of a cell"
    data = output.get('data', {'text/plain': output.get('text', '')})
    if 'text/markdown' in data: return text(data['text/markdown'])
    return f"```\n{text(data['text/plain']).rstrip()}\n```"

def markdown(cell):
    "Markdown of one cell; nothing for what is hidden"
    source = text(cell['source'])
    directives = [l for l in source.splitlines() if l.startswith('#|')]
    if '#| hide' in directives: return []
    if cell['cell_type']=='markdown': return [source]
    code = '\n'.join(l for l in source.splitlines() if not l.startswith('#|'))
    block = [] if '#| echo: false' in directives else [f'```python\n{code}\n```']
    return block + [shown(o) for o in cell['outputs']]

def main():
    cells = json.loads((ROOT/'nbs'/'index.ipynb').read_text(encoding='utf-8'))['cells']
    parts = [p for c in cells for p in markdown(c)]
    note = '<!-- Written by docs/readme.py from nbs/index.ipynb: edit that. -->'
    (ROOT/'README.md').write_text('\n\n'.join([note, *parts])+'\n', encoding='utf-8')

if __name__=='__main__': main()
