"What the kinds are made of: pictures and their files, a folder to put them in, what a command told, what is right"
import atexit, csv, io, os, re, resource, shutil, signal, subprocess, sys, tempfile, traceback, warnings
from functools import lru_cache
from pathlib import Path
from typing import Callable
from collections import Counter
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
import numpy as np, tifffile
from PIL import Image
from rbc_overlap.cli import main
from rbc_overlap.core import read_mask
from rbc_overlap.folders import printable
from rbc_overlap.smear import simulate

os.environ['TQDM_DISABLE'] = '1'
csv.field_size_limit(10**7)

N,SIDE = 8,140   # cells of the plain image, and its side
SECONDS = 60     # that the command of one kind may take
MEMORY = 6*2**30 # bytes that a command may take
GROUPS = 'files','damage','bombs','fields','sizes','names','places','results','models','labels'

@lru_cache
def smear(shape=(SIDE,SIDE), n=N, diameter=20., seed=8):
    "A simulated smear with free-standing red cells alone"
    nothing = dict(overlap=0, touching=0, wbc=0, platelets=0, dirt=0)
    return simulate(shape, n=n, diameter=diameter, seed=seed, **nothing)

RGB = np.asarray(smear().image)
GREY = RGB[...,1]
GOOD = RGB[:,::-1]

def pillow(a, format, **options):
    "The bytes of the picture `a` in a format of Pillow"
    im = a if isinstance(a, Image.Image) else Image.fromarray(np.ascontiguousarray(a))
    file = io.BytesIO()
    im.save(file, format, **options)
    return file.getvalue()

def png(a=RGB, **options): return pillow(a, 'PNG', **options)

def tiff(a=RGB, **options):
    "The bytes of a TIFF of one series"
    options = dict(photometric='rgb' if a.shape[-1]==3 else 'minisblack', metadata=None) | options
    file = io.BytesIO()
    tifffile.imwrite(file, a, **options)
    return file.getvalue()

class World:
    "A folder with images `inside`, one of them good, and an `out` for results; a kind of a batch has the folder `part`"
    def __init__(self, folder, part=''):
        self.folder,self.part = Path(folder),part
        self.base,self.out = self.folder/'in',self.folder/'out'
        self.inside = self.base/part
        self.made = []  # bad images
        self.good = self.base/'good.png'
        if not part: self.put('good.png', png(GOOD), good=True)

    def __truediv__(self, name): return self.folder/name

    def result(self, name):
        "The path of a result"
        return self.out/self.part/name

    def put(self, name, data=None, good=False):
        "Put an image of this `name` into `inside`; the path"
        path = self.inside/name
        path.parent.mkdir(parents=True, exist_ok=True)
        if data is None: data = png()
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        if not good: self.made.append(path)
        return path

class TookTooLong(BaseException): "A command took more time than it may"

def _too_long(*_): raise TookTooLong('it takes too long')

@contextmanager
def in_time(seconds):
    "Raise `TookTooLong` within, after so many `seconds`"
    before = signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(seconds)
    try: yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)

@contextmanager
def little_memory():
    "`MEMORY` more than now, and no more, may be taken within"
    soft,hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path('/proc/self/statm').read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages*resource.getpagesize()+MEMORY, hard))
    try: yield
    finally: resource.setrlimit(resource.RLIMIT_AS, (soft, hard))

@dataclass
class Told:
    "What a command left: its exit `code`, what it said, and how it `crashed`"
    world:World
    code:int = 0
    said:str = ''
    err:str = ''
    crashed:str = ''
    engine:str = 'classic'

    @property
    def rows(self):
        "Those of images.csv, dicts"
        path = self.world.out/'images.csv'
        if not path.is_file(): return []
        with path.open(newline='', encoding='utf-8') as f: return list(csv.DictReader(f))

    def of(self, file):
        "The rows of `file` and of its pages"
        name = printable(file.relative_to(self.world.base))
        pages = re.compile(re.escape(name)+r'(_p\d+)?')
        return [r for r in self.rows if pages.fullmatch(r['image'].lstrip("'"))]

    @property
    def mine(self):
        "The rows of this kind's images"
        part = f'{self.world.part}/' if self.world.part else ''
        return [r for r in self.rows if r['image'].startswith(part) and r['image']!='good.png']

    def mask(self, image):
        "The mask of an `image`, as the table calls it"
        page = re.search(r'_p\d+$', image)
        name = image.removesuffix(page[0] if page else '')
        stem = str(Path(name).with_suffix(''))+(page[0] if page else '')
        return read_mask(self.world.out/f'{stem}_mask.png')

def in_process(world, argv, engine, seconds=SECONDS):
    "Run a command here"
    out,err = io.StringIO(),io.StringIO()
    told = Told(world, engine=engine)
    contexts = redirect_stdout(out),redirect_stderr(err),in_time(seconds),little_memory(),chdir(world.folder)
    with ExitStack() as stack:
        for context in contexts: stack.enter_context(context)
        warned = stack.enter_context(warnings.catch_warnings(record=True, action='always'))
        warnings.simplefilter('ignore', DeprecationWarning) # as everywhere else
        try: told.code = _call(argv)
        except SystemExit as e: told.code = e.code
        except (Exception, TookTooLong) as e: told.crashed = _where(e)
    ours = [str(w.message) for w in warned if w.category is UserWarning] # also those that a command would print
    told.said,told.err = out.getvalue(),err.getvalue()+'\n'.join(ours)
    return told

def _call(argv):
    "The exit code of a command; of a function of ours as the command line would have it"
    if not callable(argv): return main([os.fspath(a) for a in argv])
    try: print(argv())
    except (ValueError, OSError) as e:
        print(e, file=sys.stderr)
        return 2
    return 0

def _where(e):
    "The error `e` and the line of ours that it comes from"
    ours = [f for f in traceback.extract_tb(e.__traceback__) if 'rbc_overlap' in f.filename]
    line = f' in {ours[-1].name}' if ours else ''
    return f'traceback: {type(e).__name__}: {str(e)[:100]!r}{line}'

def _limit(): resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

ALONE = 'import sys; from rbc_overlap.cli import main; sys.exit(main())'

def on_its_own(world, argv, engine, before=()):
    "Run a command in a process of its own, with little memory; `before` is what starts it"
    told = Told(world, engine=engine)
    command = [*before, sys.executable, '-P', '-c', ALONE, *map(os.fspath, argv)]
    try: p = subprocess.run(command, capture_output=True, preexec_fn=_limit, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        told.crashed = f'it takes more than {SECONDS} s'
        return told
    told.code,told.said,told.err = p.returncode,p.stdout.decode(),p.stderr.decode(errors='replace')
    last = told.err.strip().splitlines()[-1:]
    if told.code<0: told.crashed = f'crash: signal {-told.code}'
    elif 'Traceback' in told.err: told.crashed = f'traceback: {last[0][:120]}'
    return told

@dataclass
class Want:
    "An outcome that is right: its `word` in the table, and a test of what a command `Told` about a file"
    word:str
    holds:Callable
    what:str = ''

def is_done(row, cells, within):
    if row['status']!='ok' or not row['cells']: return False
    return cells is None or abs(int(row['cells'])-cells)<=within

def right(cells=N, within=0, pages=1, word='right', **columns):
    "Done, with that many `cells`; `columns` are regular expressions"
    def holds(told, file):
        rows = told.of(file)
        done = all(is_done(r, cells, within) for r in rows)
        return len(rows)==pages and done and all(re.search(v, r[k]) for r in rows for k,v in columns.items())
    return Want(word, holds, f'{cells} cells {columns or ""}')

@lru_cache
def plain(engine):
    "The mask of the plain image"
    with tempfile.TemporaryDirectory() as folder:
        world = World(folder)
        file = world.put('plain.png')
        told = in_process(world, ['segment', world.inside, '--out', world.out, '--engine', engine], engine)
        row, = told.of(file)
        assert is_done(row, N, 0), f'the plain image has {row["cells"]} cells'
        return told.mask('plain.png')

def same(pages=1):
    "Done, with the mask of the plain image"
    done = right(pages=pages)
    def holds(told, file):
        expected = plain(told.engine)
        return done.holds(told, file) and all(np.array_equal(told.mask(r['image']), expected) for r in told.of(file))
    return Want('right', holds, 'the mask of the plain image')

def about(**columns): return right(within=1, **columns)

def flag(said, cells=None, within=1): return right(cells, within, word='flag', flags=said)

def no_cells(): return right(0, word='flag', flags='no cells found')

def row(said):
    "A row names the error; pages that are done beside it are right"
    def holds(told, file):
        rows = told.of(file)
        errors = [r for r in rows if r['status']=='error']
        named = all(f'failed: {r["image"]}' in told.err for r in errors)
        others = all(is_done(r, N, 1) for r in rows if r not in errors)
        return bool(errors) and named and others and all(re.search(said, r['error'], re.I) for r in errors)
    return Want('row', holds, f'a row with {said}')

def left_out(said):
    "No row, and the line of what was left out says why"
    def holds(told, file):
        lines = [l for l in told.err.splitlines() if l.startswith('left out:')]
        return not told.of(file) and bool(lines) and bool(re.search(said, lines[0], re.I))
    return Want('told', holds, f'left out: {said}')

def line(said):
    "Exit code 2, one line"
    def holds(told, _):
        lines = [l for l in told.err.strip().splitlines() if not l.startswith('<tifffile')] # its log
        return told.code==2 and len(lines)==1 and bool(re.search(said, lines[0], re.I))
    return Want('line', holds, f'one line with {said}')

def told(said, *files):
    "Exit code 1 or 0, a line says what is wrong, and `files` are there"
    def holds(told, _):
        written = all((told.world/f).exists() for f in files)
        return told.code in (0,1) and written and bool(re.search(said, told.err, re.I))
    return Want('told', holds, f'a line with {said}')

def check(test, word='right', what=''):
    "`test(told)` is true"
    return Want(word, lambda told, _: bool(test(told)), what or test.__name__)

@dataclass
class Kind:
    "A kind of input: `make` puts it into a `World`; one of `wants` must hold for each image that was made"
    name:str
    group:str
    make:Callable
    wants:tuple
    argv:Callable = None     # of the command, from the world; None: segment
    engine:str = 'classic'   # of `segment`
    options:tuple = ()       # of `segment`
    alone:bool = False       # in a process of its own?
    good:bool = True         # is the good image to be done?
    before:tuple = ()        # what starts that process
    first:Callable = None    # puts images into the world that are done before `make`
    batch:str = ''           # kinds of the same one are run together, which is quicker; one by one where that crashes

    def run(self, folder):
        "Make the input, run the command: what it `Told`"
        world = World(folder)
        if self.first:
            self.first(world)
            earlier(world)
        self.make(world)
        if self.argv: argv = self.argv(world)
        else: argv = ['segment', world.inside, '--out', world.out, *self.options]
        if not self.argv and '--model' not in self.options: argv += ['--engine', self.engine]
        if self.alone: return on_its_own(world, argv, self.engine, self.before)
        return in_process(world, argv, self.engine)

    def judge(self, told):
        "(words of the outcomes, what is wrong)"
        if told.crashed: return 'other', told.crashed
        words = [self._outcome(told, file) for file in told.world.made or [None]]
        wrong = [what for _,what in words if what]
        if wrong: return 'other', wrong[0]
        if self.good and not self.argv and words[0][0]!='line':
            lost = self._lost_good(told)
            if lost: return 'other', lost
        return Counter(word for word,_ in words).most_common(1)[0][0], ''

    def _outcome(self, told, file):
        unread = ''
        for want in self.wants:
            try: holds = want.holds(told, file)
            except Exception as e: # a table or a file that a test needs can't be read
                unread = f'{type(e).__name__}: {e}'
                continue
            if holds: return want.word, ''
        wanted = ' or '.join(want.what for want in self.wants)
        return 'other', f'{unread or _found(told, file)}; wanted: {wanted}'

    def _lost_good(self, told):
        "What happened to the good image; '' where it was done"
        good = told.of(told.world.good)
        if len(good)==1 and is_done(good[0], N, 0): return ''
        return f'the good image: {_found(told, told.world.good)}'

def _found(told, file):
    "What a command told about `file`, in a few words"
    rows = told.of(file) if file else []
    kept = 'status','error','cells','flags','pixel_size_um'
    texts = [' '.join(f'{k}={r[k][:160]}' for k in kept if r.get(k)) for r in rows]
    name = f'{file.name[:40]!r} ' if file else ''
    lines = told.err.strip().splitlines()
    about = [l for l in lines if file and printable(file.name) in l and (told.world.part in l)] or lines[-1:]
    return f'{name}{"; ".join(texts[:3]) or "no row"}; exit code {told.code}, said {" | ".join(about)[:200]!r}'

KINDS = {}

TOGETHER = 'files','damage','sizes','bombs','names' # groups whose kinds are run in one batch

def segments(w, *options, of=None):
    "Segment `of`, or all that is there, as a kind does: what was `Told`"
    argv = ['segment', of or w.base, '--out', w.out, '--engine', 'classic', *options]
    return in_process(w, argv, 'classic', 10*SECONDS)

def earlier(w):
    "A run over the good image, and what else is there"
    told = segments(w)
    assert told.code==0, told.err+told.crashed

def add(group, name, make, *wants, **options):
    assert name not in KINDS, name
    together = group in TOGETHER and not {'argv','options','batch','before'} & {*options}
    if together: options['batch'] = group
    KINDS[name] = Kind(name, group, make, wants, **options)

@lru_cache
def run_batch(batch):
    "Run all kinds of a `batch` in one folder, each in a subfolder of its own: {kind: `Told`}; {} where that crashes"
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    kinds = [k for k in KINDS.values() if k.batch==batch]
    whole = World(folder)
    worlds = {k.name: World(folder, k.name) for k in kinds}
    if kinds[0].first:
        for k in kinds: k.first(worlds[k.name])
        earlier(whole)
    for k in kinds: k.make(worlds[k.name])
    argv = ['segment', whole.base, '--out', whole.out, '--engine', kinds[0].engine]
    told = in_process(whole, argv, kinds[0].engine, 10*SECONDS)
    if told.crashed or told.code==2: return {}
    return {k: replace(told, world=w) for k,w in worlds.items()}

def outcome(kind, folder):
    "(word, what is wrong) of a `kind`, tried with its batch or in `folder`"
    told = run_batch(kind.batch).get(kind.name) if kind.batch else None
    return kind.judge(told or kind.run(folder))

def kind(group, *wants, **options):
    "Add a function as a kind of that name"
    def register(make):
        add(group, make.__name__, make, *wants, **options)
        return make
    return register

def puts(name, data):
    "A `make` that puts one file, whose `data` may be a function"
    return lambda w: w.put(name, data() if callable(data) else data)

def table(outcomes):
    "Text: a line per group with the number of kinds of each outcome, `outcomes` by name"
    words = 'right','row','line','flag','told','other'
    lines = [f'{"":10}'+''.join(f'{w:>7}' for w in words)]
    for group in [*GROUPS, 'all']:
        names = [n for n in outcomes if group in ('all', KINDS[n].group)]
        times = Counter(outcomes[n] for n in names)
        if names: lines.append(f'{group:10}'+''.join(f'{times[w]:7}' for w in words))
    return '\n'.join(lines)
