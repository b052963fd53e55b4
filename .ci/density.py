"""How much happens on a line of function bodies: nodes of the syntax tree. A line that carries more than 25 is hard to read.
usage: density.py FOLDER   prints a row per module; fails where the whole is denser than LIMITS"""
import ast, sys
from collections import Counter
from pathlib import Path

LIMITS = dict(dense=.03, length=120, body_median=5, body_p90=13) # share of dense lines; characters; lines of a body
DENSE = 25

def body(function):
    "The statements of `function` without its docstring"
    first = function.body[0]
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    return function.body[told:]

def measure(path):
    "(nodes of each body line, body length of each function, length of each line) of a module"
    lines = path.read_text(encoding='utf-8').splitlines()
    nodes,bodies = {},[]
    for function in ast.walk(ast.parse('\n'.join(lines))):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef): continue
        statements = body(function)
        if not statements: continue
        count = Counter(n.lineno for s in statements for n in ast.walk(s) if hasattr(n, 'lineno'))
        for line,n in count.items(): nodes[line] = max(n, nodes.get(line, 0))
        inside = {i for s in statements for i in range(s.lineno, s.end_lineno+1)}
        bodies.append(sum(bool(lines[i-1].strip()) for i in inside))
    return [*nodes.values()], bodies, [len(l) for l in written(lines)]

def written(lines):
    "`lines` without `__all__`, which nbdev writes, a little wider"
    inside = False
    for line in lines:
        inside = inside or line.startswith('__all__')
        if not inside: yield line
        inside = inside and not line.endswith(']')

def quantile(values, q):
    values = sorted(values)
    return values[min(int(q*len(values)), len(values)-1)] if values else 0

def summary(nodes, bodies, lengths):
    return dict(median=quantile(nodes, .5), dense=sum(n>DENSE for n in nodes)/max(len(nodes), 1), length=max(lengths),
        body_median=quantile(bodies, .5), body_p90=quantile(bodies, .9), body_max=max(bodies, default=0))

def show(name, s):
    figures = s['median'], f'{s["dense"]:.1%}', s['length'], s['body_median'], s['body_p90'], s['body_max']
    print(f'{name:14}', *[f'{f:>8}' for f in figures])

def main(folder):
    measured = {p.stem: measure(p) for p in sorted(Path(folder).glob('*.py')) if p.stem!='_modidx'}
    print(f'{"module":14}', *[f'{h:>8}' for h in ('nodes', f'over {DENSE}', 'longest', 'body', 'p90', 'max')])
    for name,m in measured.items(): show(name, summary(*m))
    whole = summary(*[sum(parts, []) for parts in zip(*measured.values())])
    show('all', whole)
    over = {k: whole[k] for k,limit in LIMITS.items() if whole[k]>limit}
    for k,v in over.items(): print(f'FAILED: {k} is {v:g}, at most {LIMITS[k]:g} is wanted')
    return bool(over)

if __name__=='__main__': sys.exit(main(sys.argv[1]))
