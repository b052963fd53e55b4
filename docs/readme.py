"Write README.md from nbs/index.ipynb: its prose and code as they are, its outputs as text, its pictures as files in docs/images."
import base64, json
from pathlib import Path

ROOT = Path(__file__).parent.parent

def text(source): return ''.join(source)

def shown(output, number):
    "Markdown of one output of a cell"
    data = output.get('data', {'text/plain': output.get('text', '')})
    if 'image/png' in data:
        path = ROOT/'docs'/'images'/f'index_{number}.png'
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(base64.b64decode(text(data['image/png'])))
        return f'![picture]({path.relative_to(ROOT).as_posix()})'
    if 'text/markdown' in data: return text(data['text/markdown'])
    return f"```\n{text(data['text/plain']).rstrip()}\n```"

def markdown(cell, number):
    "Markdown of one cell; nothing for what is hidden"
    source = text(cell['source'])
    directives = [l for l in source.splitlines() if l.startswith('#|')]
    if '#| hide' in directives: return []
    if cell['cell_type']=='markdown': return [source]
    code = '\n'.join(l for l in source.splitlines() if not l.startswith('#|'))
    block = [] if '#| echo: false' in directives else [f'```python\n{code}\n```']
    return block + [shown(o, f'{number}') for o in cell['outputs']]

def main():
    cells = json.loads((ROOT/'nbs'/'index.ipynb').read_text(encoding='utf-8'))['cells']
    parts = [p for n,c in enumerate(cells) for p in markdown(c, n)]
    note = '<!-- Written by docs/readme.py from nbs/index.ipynb: edit that. -->'
    (ROOT/'README.md').write_text('\n\n'.join([note, *parts])+'\n', encoding='utf-8')

if __name__=='__main__': main()
