"""Fuzzes the parsers that are ours: whatever a file holds, they may raise ValueError (or OSError, in folders) and nothing else.

Needs atheris, which isn't among the requirements of the package: `pip install atheris` in Python 3.11 or 3.12. In an
environment of its own it sees the package and what that needs by
`PYTHONPATH=.:.venv/lib/python3.11/site-packages FUZZENV/bin/python benchmarks/fuzz.py TARGET`.

usage: fuzz.py TARGET [--seconds 60]    prints each kind of error that is no ValueError once, with the input that led to it
Half of the inputs are bytes, the others a valid file with a few values replaced, removed or wrapped."""
import argparse, base64, json, logging, os, sys, tempfile, traceback, warnings, zlib
from pathlib import Path
import atheris
with atheris.instrument_imports(include=['rbc_overlap']):
    from rbc_overlap.core import coco, write_mask
    from rbc_overlap.folders import Doubts, load_cells, newest_records, read_coco_file, read_column, read_record, split_coco
    from rbc_overlap.journal import Journal, Painting
    from rbc_overlap.segment import _read_card
import numpy as np
from rbc_overlap.core import Cell

ALLOWED = ValueError,OSError # ImageError is a ValueError
SHAPE = 24,30
ODD = None,True,0,-1,1,.5,-1e9,1e9,10**6,2**40,1e300,float('nan'),float('inf'),'','x','\x00','../../x','é\ud800',[],[[]],{},[1],['a'],dict(a=1)

def _cells():
    "Two cells as a COCO data set, with what a record says besides"
    disc = np.ones((5,6), bool)
    cells = [Cell(3, 4, disc), Cell(12, 15, disc)]
    info = dict(sha256='0'*64, image='a.png', path='/x/a.png', date='2026-01-01T00:00:00', flags=[], diameter=6., free_cells=2,
        cells=2, clumps=0, settings={}, pixel_size=None, pixel_size_source='', page=1, clump_table=[])
    data = coco([(cells, SHAPE, 'a.png')], **info)
    for a in data['annotations']: a['measures'] = dict(label=1, area=30)
    return data

def _line(**more): return dict(time='2026-01-01', who='me', image='a', decision='accept', mask='masks/a_mask.png', sha256='0'*64, note='') | more
def _packed(n): return base64.b64encode(zlib.compress(bytes(n))).decode()
STROKE = dict(tool='brush', y=2, x=3, h=4, w=5, before=_packed(20), after=_packed(20), mask='masks/a_mask.v2.png', was='1', sha256='0')
CARD = dict(recipe='compact', input='relative absorbance', multiple=32, diameter=40, classes=['background','rbc','overlap'])

def places(value, at=()):
    "Each place in nested lists and dicts, as keys from the top"
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key,inner in items: yield from places(inner, (*at, key))

def changed(value, at, change):
    "`value` with what is `at` a place as `change` makes it; where that is KeyError, without it"
    if not at: return change(value)
    first,*rest = at
    out = value.copy()
    try: out[first] = changed(value[first], rest, change)
    except KeyError: del out[first]
    return out

def remove(_): raise KeyError
def damaged(value, fdp):
    "`value` with one to four changes"
    for _ in range(fdp.ConsumeIntInRange(1, 4)):
        there = [*places(value)]
        at = fdp.PickValueInList(there)
        odd = fdp.PickValueInList([*ODD])
        how = fdp.ConsumeIntInRange(0, 3)
        change = [lambda v: odd, remove if at else lambda v: odd, lambda v: [v], lambda v: fdp.ConsumeUnicode(9)][how]
        value = changed(value, at, change)
    return value

def file_of(fdp, seed):
    "Bytes: any, or those of a damaged `seed`, a value for JSON, or text"
    if fdp.ConsumeBool(): return fdp.ConsumeBytes(2000)
    if not isinstance(seed, str): return json.dumps(damaged(seed, fdp)).encode()
    text = damaged([row.split(',') for row in seed.split('\n')], fdp)
    rows = text if isinstance(text, list) else [text]
    lines = [','.join(map(str, r)) if isinstance(r, list) else str(r) for r in rows]
    return '\n'.join(lines).encode('utf-8', 'surrogatepass')

def journal(folder, fdp):
    lines = [file_of(fdp, _line()) for _ in range(3)]
    (folder/'review.jsonl').write_bytes(b'\n'.join(lines))
    Journal(folder, 'me').decisions()

def strokes(folder, fdp):
    lines = [file_of(fdp, STROKE | dict(sha256=SHA256)) for _ in range(2)]
    (folder/'masks/a_mask.strokes.jsonl').write_bytes(b'\n'.join(lines))
    (folder/'review.jsonl').unlink(missing_ok=True)
    for made in folder.glob('masks/a_mask.v*.png'): made.unlink()
    painting = Painting(folder, 'a', 'me')
    painting.undo()
    painting.redo()

def doubts(folder, fdp):
    (folder/'doubt.csv').write_bytes(file_of(fdp, 'image,doubt,flagged,reason\na,0.5,True,x\nb,0.25,False,'))
    Doubts(folder)

def column(folder, fdp):
    (folder/'slides.csv').write_bytes(file_of(fdp, 'image,slide\na,1\nb,2'))
    read_column(folder/'slides.csv', 'image', 'slide')

def record(folder, fdp):
    results = folder/'results'
    for name in 'ab': (results/f'{name}_cells.json').write_bytes(file_of(fdp, _cells()))
    read_record(results/'a_cells.json')
    newest_records(results)

def coco_file(folder, fdp):
    path = folder/'cells.coco.json'
    path.write_bytes(file_of(fdp, _cells()))
    for data in split_coco(read_coco_file(path)).values(): load_cells(data)

class _Session:
    "A session whose model has one `card`"
    def __init__(self, card): self.custom_metadata_map = dict(card=card)
    def get_modelmeta(self): return self

def card(folder, fdp):
    text = file_of(fdp, CARD).decode('utf-8', 'replace')
    _read_card(_Session(text), folder/'model.onnx')

TARGETS = dict(journal=journal, strokes=strokes, doubts=doubts, column=column, record=record, coco=coco_file, card=card)

def _where(e):
    "The kind of an error, and the line of ours that it comes from"
    ours = [f for f in traceback.extract_tb(e.__traceback__) if '/rbc_overlap/' in f.filename]
    place = f'{Path(ours[-1].filename).name}, {ours[-1].name}: {ours[-1].line}' if ours else 'not in our code'
    return f'{type(e).__name__} in {place}'

def fuzz(target, folder):
    "A function for atheris that tells each kind of error once"
    seen = set()
    def one(data):
        try: target(folder, atheris.FuzzedDataProvider(data))
        except ALLOWED: return
        except Exception as e:
            where = _where(e)
            if where in seen: return
            seen.add(where)
            print(f'FOUND {target.__name__}: {where} ({str(e)[:100]!r})', flush=True)
    return one

def labelled(folder):
    "A folder with one mask"
    write_mask(folder/'masks'/'a_mask.png', np.zeros(SHAPE, np.uint8))
    (folder/'results').mkdir()

def inputs(folder):
    "A folder with inputs to start from"
    start = folder/'inputs'
    start.mkdir()
    rng = np.random.default_rng(0)
    for i in range(50): (start/str(i)).write_bytes(rng.bytes(500))
    return start

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('target', choices=TARGETS)
    p.add_argument('--seconds', type=int, default=60)
    args = p.parse_args()
    warnings.simplefilter('ignore')
    logging.disable()
    with tempfile.TemporaryDirectory(dir='/dev/shm' if Path('/dev/shm').exists() else None) as name:
        folder = Path(name)
        labelled(folder)
        global SHA256
        from rbc_overlap.core import file_hash
        SHA256 = file_hash(folder/'masks'/'a_mask.png')
        options = f'-max_total_time={args.seconds}','-rss_limit_mb=4096','-max_len=4096','-timeout=30','-len_control=0','-print_final_stats=0',f'-artifact_prefix={tempfile.gettempdir()}/'
        atheris.Setup([sys.argv[0], *options, os.fspath(inputs(folder))], fuzz(TARGETS[args.target], folder))
        atheris.Fuzz()

if __name__=='__main__': main()
