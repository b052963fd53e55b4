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
LONG = 15 # lines of a constant that is folded with the code around it
SECTIONS = {'Start': 'own_slides read_report faq', 'Tutorials': 'overlaps_without_drawing reviewing review_loop other_programs',
    'How to': 'fields pixel_size for_labs', 'Reference': 'columns words model_card data_card strangers',
    'Background': 'accuracy limits paper ablation tried'}

def text(source): return ''.join(source)

def read(path): return json.loads(path.read_text(encoding='utf-8'))

def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())

def page(path):
    "A notebook's page: its path without the number, where nbdev's own links expect it"
    return path.with_name(re.sub(r'^\d+_', '', path.stem)).as_posix()

def module(page):
    "Source of the module that a page defines; empty where it defines none"
    path = ROOT/'rbc_overlap'/f'{page}.py'
    return path.read_text(encoding='utf-8') if path.exists() else ''

def symbols(order):
    "{name: pages that define it}, pages in `order`"
    pages = {}
    for page in order:
        for name in [*definitions(module(page)), *constants(module(page))]: pages.setdefault(name, []).append(page)
    return pages

def anchor(page, name):
    "The target of `name`; case doesn't count in a target, so that of a class has a mark, and that of a constant two"
    return f'{page}.{name.lower()}{"__" if name.isupper() else "" if name[0].islower() else "_"}'

class Links:
    "Rewrites the links of the page `here`: those to the API, to other notebooks, and to files of the repository"
    def __init__(self, here, order, known):
        self.here,self.known = here,known
        self.before = order[:order.index(here)+1] if here in order else [p for p in order if p!='cli']

    def name(self, name, but=()):
        "`name`, with a link to this page, or else to the last one before it that defines it; private names have none"
        pages = [p for p in self.known.get(name, ()) if p in self.before and name not in but and name[0]!='_']
        return f'[`{name}`](#{anchor(pages[-1], name)})' if pages else f'`{name}`'

    def __call__(self, md, but=()):
        md = re.sub(r'\[\[(`[^`]+`)\]\([^)]*\)\]', r'[\1]', md) # nbdev links a name also where it is a link already
        md = re.sub(r'(?<![`\[])`([A-Z][A-Z_]+)`(?!`)', lambda m: self.name(m[1], but), md)
        md = re.sub(rf'\[`([^`]+)`\]\({re.escape(SITE)}[^)]*\)', lambda m: self.name(m[1], but), md)
        md = md.replace('](nbs/images/', '](images/')
        md = re.sub(r'\]\((?:nbs/)?((?:\.\./|tutorials/)?)(?:\d\d_)?(\w+\.ipynb)', r'](\1\2', md)
        return re.sub(r'\]\((?:\.\./)*(nbs[/\w]*|[A-Z]+\.md)\)', rf']({REPO}/blob/main/\1)', md)

def cell(source, cell_type='markdown', tags=(), **kw): return dict(cell_type=cell_type, source=source, metadata=dict(tags=list(tags)), **kw)

def definitions(code):
    "{name: definition}; a method by @patch has its class before its name"
    def name(d):
        patched = any(getattr(getattr(p, 'func', p), 'id', '')=='patch' for p in d.decorator_list)
        return f'{ast.unparse(d.args.args[0].annotation)}.{d.name}' if patched else d.name
    return {name(d): d for d in ast.parse(code).body if isinstance(d, (ast.FunctionDef, ast.ClassDef))}

def assigned(statement):
    "(names in capital letters that an assignment defines, those of which it changes an element)"
    targets = [e for t in statement.targets for e in getattr(t, 'elts', [t])]
    defined = [t.id for t in targets if isinstance(t, ast.Name)]
    changed = [t.value.id for t in targets if isinstance(t, ast.Subscript) and isinstance(t.value, ast.Name)]
    return [[n for n in names if re.fullmatch('[A-Z][A-Z_]+', n)] for names in (defined, changed)]

def constants(code):
    "{name: the lines that define it}, those in capital letters"
    found,lines = {},code.splitlines()
    for d in ast.parse(code).body:
        if not isinstance(d, ast.Assign): continue
        defined,changed = assigned(d)
        for n in defined: found.setdefault(n, [])
        for n in [*defined, *changed]:
            if n in found: found[n] += lines[d.lineno-1:d.end_lineno]
    return {n: l for n,l in found.items() if len(l)<=LONG}

def head(d, lines):
    "What stands before the first statement of `d`"
    *before,last = lines[d.lineno-1:d.body[0].lineno]
    return '\n'.join([*before, last.encode()[:d.body[0].col_offset].decode()]).rstrip()

def methods(d, lines):
    "What makes a class, and those of its methods and properties that have a docstring, with it"
    for m in (m for m in d.body if isinstance(m, ast.FunctionDef)):
        doc = ast.get_docstring(m) and not m.name.startswith('_')
        if doc: yield '\n'.join(lines[min(x.lineno for x in (m, *m.decorator_list))-1:m.body[0].end_lineno])
        elif m.name=='__init__': yield head(m, lines)

def signature(d, code):
    "The parameters of a function; the fields and methods of a class: as they are written"
    lines = code.splitlines()
    if isinstance(d, ast.FunctionDef): return head(d, lines)
    fields = [lines[n.lineno-1] for n in d.body if isinstance(n, ast.AnnAssign)]
    return '\n'.join([*(f'@{ast.unparse(x)}' for x in d.decorator_list), head(d, lines), *fields, *methods(d, lines)])

def api(shown, name, d, code, line, links):
    "A definition with a target: its signature from `code`, and its docstring, whose links nbdev has `shown`"
    level,doc = re.fullmatch(r'---\s+\[source\][^\n]*\s+(#+)[^\n]*\s+(?:```python\n.*?```)?(.*)', shown, flags=re.S).groups()
    parameters = [a.arg for f in ast.walk(d) if isinstance(f, ast.arguments) for a in [*f.args, *f.kwonlyargs]]
    source = f'[source]({REPO}/blob/main/rbc_overlap/{links.here}.py#L{line})'
    return cell(f'({anchor(links.here, name)})=\n{level} {name}\n\n```python\n{signature(d, code)}\n```\n\n{links(doc.strip(), parameters)} {source}')

def exported(code, docs, lines, links):
    "The cells of an exported one: constants and definitions, each with a target, and its code, folded, where there is more to it"
    values = constants(code)
    shown = list(dict.fromkeys(l for v in values.values() for l in v))
    if values: yield cell('\n'.join([*(f'({anchor(links.here, n)})=' for n in values), '```python', *shown, '```']))
    for name,d in definitions(code).items():
        if name in docs and (ast.get_docstring(d) or not d.name.startswith('__')): yield api(text(docs[name]['outputs'][0]['data']['text/markdown']), name, d, code, lines[name], links)
    if any(l.strip() and l not in shown and not re.match('(from|import) ', l) for l in code.splitlines()): yield cell(code, 'code', ['hide-input'], outputs=[], execution_count=None)

def cells(nb, processed, links):
    "The cells of a page: prose, what is exported, examples"
    lines = {name: d.lineno for name,d in definitions(module(links.here)).items()}
    done = {c['id']: c for c in processed['cells']}
    docs = {re.search(r'show_doc\((.+)\)', s)[1]: c for c in processed['cells'] if 'show_doc(' in (s := text(c['source']))}
    for c in nb['cells']:
        source = text(c['source'])
        code = '\n'.join(l for l in source.splitlines() if not l.startswith('#|')).strip()
        if source.startswith('#| export'): yield from exported(code, docs, lines, links)
        elif source.startswith('# '): yield cell(source)
        elif c['id'] in done:
            c = done[c['id']]
            if c['cell_type']=='markdown': yield cell(links(text(c['source'])))
            else: yield cell(code, 'code', ['remove-input']*('#| echo: false' in source), outputs=c['outputs'], execution_count=None)

def overview(order, known):
    "A page of all that can be imported, module by module"
    yield '# Functions and classes\n\n> All that the library has, in the order in which data flow'
    for page in order:
        links,defined = Links(page, order, known),definitions(module(page))
        rows = [f'| {links.name(name)} | {(ast.get_docstring(d) or "").replace("|", chr(92)+"|")} |' for name,d in defined.items() if not re.search(r'(^|\.)_', name)]
        yield '\n'.join([f'## rbc_overlap.{page}\n', '| | |', '|---|---|', *rows])

def plain(cells):
    "A page as markdown, to which the modules' docstrings link"
    for c in cells: yield c['source'] if c['cell_type']=='markdown' else f'```python\n{c["source"]}\n```'

def toctree(caption, pages): return cell('\n'.join([f'```{{toctree}}\n:hidden:\n:caption: {caption}\n', *pages, '```']))

def main():
    for old in (PAGES.parent,OUT): shutil.rmtree(old, ignore_errors=True)
    proc = proc_nbs(force=True)
    found = {page(p): p for p in sorted(p.relative_to(proc) for p in proc.rglob('*.ipynb'))}
    order = [name for name,p in found.items() if p.name[0].isdigit()]
    sections = {caption: [f'tutorials/{name}' for name in names.split()] for caption,names in SECTIONS.items()} | {METHOD: [*order, 'functions']}
    known = symbols(order)
    write(PAGES/'functions.md', '\n\n'.join(overview(order, known)))
    for name,p in found.items():
        nb = read(ROOT/'nbs'/p)
        nb['cells'] = [*cells(nb, read(proc/p), Links(name, order, known)), *[toctree(*s) for s in sections.items() if name=='index']]
        for i,c in enumerate(nb['cells']): c['id'] = f'cell-{i}'
        write(PAGES/f'{name}.ipynb', json.dumps(nb))
        write(OUT/f'{name}.html.md', '\n\n'.join(plain(nb['cells']))+'\n')
    for picture in (ROOT/'nbs'/'images').glob('*.png'): write(PAGES/'images'/picture.name, picture.read_bytes())
    return sphinx(['-q', '-W', '--keep-going', '-c', str(ROOT/'docs'), str(PAGES), str(OUT)])

if __name__=='__main__': sys.exit(main())
