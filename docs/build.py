"Build the documentation site into _docs/html: nbdev documents the API, Sphinx with myst-nb and furo makes a page of each notebook."
import ast, json, re, shutil, sys
from pathlib import Path
from nbdev.serve import proc_nbs
from sphinx.cmd.build import main as sphinx
from rbc_overlap._modidx import d as INDEX

ROOT = Path(__file__).parent.parent
PAGES,OUT = ROOT/'_proc'/'pages',ROOT/'_docs'/'html'
SITE,REPO = [INDEX['settings'][k] for k in ('doc_host','git_url')]
METHOD = 'The method, step by step'
SECTIONS = {'Tutorials': 'own_slides overlaps_without_drawing reviewing review_loop other_programs paper', 'Know what you measure': 'for_labs limits ablation model_card data_card'}

def text(source): return ''.join(source)

def read(path): return json.loads(path.read_text(encoding='utf-8'))

def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())

def page(path):
    "A notebook's page: its path without the number, where nbdev's own links expect it"
    return path.with_name(re.sub(r'^\d+_', '', path.stem)).as_posix()

def symbols(order):
    "{name: pages that define it}, pages in `order`"
    pages = {}
    for module,names in INDEX['syms'].items():
        for name,(doc,_) in names.items(): pages.setdefault(name.removeprefix(module+'.'), set()).add(doc.split('.')[0])
    return {name: sorted(found, key=order.index) for name,found in pages.items()}

def anchor(page, name):
    "The target of `name`; case doesn't count in a target, so that of a class has a mark"
    return f'{page}.{name.lower()}{"" if name[0].islower() else "_"}'

class Links:
    "Rewrites the links of the page `here`: those to the API, to other notebooks, and to files of the repository"
    def __init__(self, here, order, known):
        self.here,self.known = here,known
        self.before = order[:order.index(here)+1] if here in order else [p for p in order if p!='cli']

    def name(self, name, but=()):
        "`name`, with a link to this page, or else to the last one before it that defines it"
        pages = [p for p in self.known.get(name, ()) if p in self.before and name not in but]
        return f'[`{name}`](#{anchor(pages[-1], name)})' if pages else f'`{name}`'

    def __call__(self, md, but=()):
        md = re.sub(rf'\[`([^`]+)`\]\({re.escape(SITE)}[^)]*\)', lambda m: self.name(m[1], but), md)
        md = re.sub(r'\]\((?:nbs/)?((?:\.\./|tutorials/)?)(?:\d\d_)?(\w+\.ipynb)', r'](\1\2', md)
        return re.sub(r'\]\((?:\.\./)*(nbs[/\w]*|[A-Z]+\.md)\)', rf']({REPO}/blob/main/\1)', md)

def cell(source, cell_type='markdown', tags=(), **kw): return dict(cell_type=cell_type, source=source, metadata=dict(tags=list(tags)), **kw)

def signature(code):
    "As one would write it: no modules before types, nothing that a callback inherits"
    code = re.sub(r'(?<=[:>])(?:\w+\.)+', '', code).replace(':NoneType=None', '=None')
    code = re.sub(r'\s+\*, after_create=None.*?after_fit=None\n', '', code, flags=re.S)
    return re.sub(r'^def (?=[A-Z]\w*\()', 'class ', code, flags=re.M)

def api(shown, links):
    "What `show_doc` says, with a target"
    source,level,name,rest = re.fullmatch(r'---\s+(\[source\]\([^)]*\))[^\n]*\s+(#+) ([^\n]+)\n(.*)', shown, flags=re.S).groups()
    parameters = re.findall(r'^    \*{0,2}(\w+)', rest, flags=re.M)
    rest = links(re.sub(r'```python\n.*?```', lambda m: signature(m[0]), rest.strip(), count=1, flags=re.S), parameters)
    return cell(f'({anchor(links.here, name)})=\n{level} {name}\n\n{rest}'+('\n\n' if rest.endswith('```') else ' ')+source)

def defined(code):
    "Names that a cell defines; a method by @patch has its class before it"
    for d in ast.parse(code).body:
        if isinstance(d, (ast.FunctionDef, ast.ClassDef)):
            patched = isinstance(d, ast.FunctionDef) and any(getattr(getattr(p, 'func', p), 'id', '')=='patch' for p in d.decorator_list)
            yield f'{ast.unparse(d.args.args[0].annotation)}.{d.name}' if patched else d.name

def cells(nb, processed, links):
    "The cells of a page: prose, what is exported with its code folded, examples"
    done = {c['id']: c for c in processed['cells']}
    docs = {re.search(r'show_doc\((.+)\)', s)[1]: c for c in processed['cells'] if 'show_doc(' in (s := text(c['source']))}
    for c in nb['cells']:
        source = text(c['source'])
        code = '\n'.join(l for l in source.splitlines() if not l.startswith('#|')).strip()
        if source.startswith('#| export'):
            for name in defined(code):
                if name in docs and not name.endswith('__repr__'): yield api(text(docs[name]['outputs'][0]['data']['text/markdown']), links)
            if not all(isinstance(s, (ast.Import, ast.ImportFrom)) for s in ast.parse(code).body): yield cell(code, 'code', ['hide-input'], outputs=[], execution_count=None)
        elif source.startswith('# '): yield cell(source)
        elif c['id'] in done:
            c = done[c['id']]
            if c['cell_type']=='markdown': yield cell(links(text(c['source'])))
            else: yield cell(code, 'code', ['remove-input']*('#| echo: false' in source), outputs=c['outputs'], execution_count=None)

def plain(cells):
    "A page as markdown, to which the modules' docstrings link"
    for c in cells: yield c['source'] if c['cell_type']=='markdown' else f'```python\n{c["source"]}\n```'

def toctree(caption, pages): return cell('\n'.join([f'```{{toctree}}\n:hidden:\n:caption: {caption}\n', *pages, '```']))

def main():
    for old in (PAGES.parent,OUT): shutil.rmtree(old, ignore_errors=True)
    proc = proc_nbs(force=True)
    found = {page(p): p for p in sorted(p.relative_to(proc) for p in proc.rglob('*.ipynb'))}
    order = [name for name,p in found.items() if p.name[0].isdigit()]
    sections = {caption: [f'tutorials/{name}' for name in names.split()] for caption,names in SECTIONS.items()} | {METHOD: order}
    known = symbols(order)
    for name,p in found.items():
        nb = read(ROOT/'nbs'/p)
        nb['cells'] = [*cells(nb, read(proc/p), Links(name, order, known)), *[toctree(*s) for s in sections.items() if name=='index']]
        for i,c in enumerate(nb['cells']): c['id'] = f'cell-{i}'
        write(PAGES/f'{name}.ipynb', json.dumps(nb))
        write(OUT/f'{name}.html.md', '\n\n'.join(plain(nb['cells']))+'\n')
    for picture in (ROOT/'nbs'/'images').glob('*.png'): write(PAGES/'images'/picture.name, picture.read_bytes())
    return sphinx(['-q', '-W', '--keep-going', '-c', str(ROOT/'docs'), str(PAGES), str(OUT)])

if __name__=='__main__': sys.exit(main())
