"""Inputs that go wrong somewhere, made on the spot: each kind is a function that puts one into a folder, and says which
outcome is right. Beside each bad image lies a good one, which must be done as ever.

usage: bad_inputs.py [WORD...]   tries the kinds whose group or name holds a WORD, prints what fails and a table of outcomes

right: the numbers of the plain image; row: images.csv names the error; line: exit code 2 and one line that names the file;
flag: done, and a flag says what is odd; told: done, and a line says what was left out; other: anything else, a defect."""
import atexit, csv, io, json, os, re, resource, shutil, signal, struct, subprocess, sys, tempfile, time, traceback
import warnings, zlib
from collections import Counter
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Callable
os.environ['TQDM_DISABLE'] = '1'
csv.field_size_limit(10**7)
import cv2, imagecodecs, numpy as np, tifffile
from PIL import Image
from rbc_overlap.cli import main
from rbc_overlap.core import TIFF_STARTS, read_mask, write_file, write_mask
from rbc_overlap.folders import printable
from rbc_overlap.smear import save_labelled, simulate

N,SIDE = 8,140         # cells of the plain image, and its side
SECONDS = 60           # that one command may take
MEMORY = 6*2**30       # bytes that a command may take
GROUPS = 'files','damage','bombs','fields','sizes','names','places','results','models','labels'

# ---------------------------------------------------------------------------------------------------- what is tried, how
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
    "A folder with images `inside`, one of them good, and an `out` for results; of a batch, a kind has the subfolder `part`"
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

class TookTooLong(BaseException): "A command took more than `SECONDS`"

def _too_long(*_): raise TookTooLong(f'it takes more than {SECONDS} s')

@contextmanager
def in_time():
    "Raise `TookTooLong` within, after `SECONDS`"
    before = signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(SECONDS)
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

def in_process(world, argv, engine):
    "Run a command here"
    out,err = io.StringIO(),io.StringIO()
    told = Told(world, engine=engine)
    with redirect_stdout(out), redirect_stderr(err), in_time(), little_memory(), chdir(world.folder), warnings.catch_warnings(record=True,
        action='always') as warned:
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

# ------------------------------------------------------------------------------------------------------- what is right
@dataclass
class Want:
    "An outcome that is right: its `word` in the table, and a test of what a command `Told` about a file"
    word:str
    holds:Callable
    what:str = ''

def _is_done(row, cells, within):
    if row['status']!='ok' or not row['cells']: return False
    return cells is None or abs(int(row['cells'])-cells)<=within

def right(cells=N, within=0, pages=1, word='right', **columns):
    "Done, with that many `cells`; `columns` are regular expressions"
    def holds(told, file):
        rows = told.of(file)
        done = all(_is_done(r, cells, within) for r in rows)
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
        assert _is_done(row, N, 0), f'the plain image has {row["cells"]} cells'
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
        others = all(_is_done(r, N, 1) for r in rows if r not in errors)
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

# ---------------------------------------------------------------------------------------------------------- the kinds
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
        if len(good)==1 and _is_done(good[0], N, 0): return ''
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

def earlier(w, *more):
    "A run over the good image, and what else is there"
    told = in_process(w, ['segment', w.base, *more, '--out', w.out, '--engine', 'classic'], 'classic')
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
    told = in_process(whole, argv, kinds[0].engine)
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

# ---------------------------------------------------------- files: whole ones of all formats, depths, colours and layouts
def jp2(a=RGB, **options): return imagecodecs.jpeg2k_encode(np.ascontiguousarray(a), level=0, **options)
def jxl(a=RGB): return imagecodecs.jpegxl_encode(np.ascontiguousarray(a), lossless=True)
def jxr(a=RGB): return imagecodecs.jpegxr_encode(np.ascontiguousarray(a), level=1.)
def avif(a=RGB): return imagecodecs.avif_encode(np.ascontiguousarray(a), level=100)
def jpeg(a=RGB, **options): return pillow(a, 'JPEG', **dict(quality=95) | options)

def stack(n=3, **options):
    "The bytes of a TIFF of `n` pages, each a series"
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as tif:
        for _ in range(n): tif.write(RGB, photometric='rgb', metadata=None, contiguous=False, **options)
    return file.getvalue()

WHOLE = dict(png=png, bmp=partial(pillow, RGB, 'BMP'), dib=partial(pillow, RGB, 'BMP'), ppm=partial(pillow, RGB, 'PPM'),
    webp=partial(pillow, RGB, 'WEBP', lossless=True), jp2=jp2, jxl=jxl, tif=tiff, tiff=partial(tiff, compression='lzw'),
    svs=partial(tiff, tile=(64,64)), scn=partial(tiff, bigtiff=True), btf=partial(tiff, bigtiff=True, byteorder='>'),
    qptiff=partial(tiff, compression='zlib', predictor=True), tf8=partial(tiff, bigtiff=True, compression='packbits'))
LOSSY = dict(jpg=jpeg, jpe=partial(jpeg, progressive=True), jfif=partial(jpeg, subsampling=0),
    gif=partial(pillow, RGB, 'GIF'),
    avif=avif, jxr=jxr, wdp=jxr, pgm=partial(pillow, GREY, 'PPM'), j2k=partial(jp2, codecformat='J2K'),
    mpo=partial(pillow, RGB, 'MPO', quality=95))
for ending,make in WHOLE.items(): add('files', f'whole_{ending}', puts(f'bad.{ending}', make), same())
for ending,make in LOSSY.items(): add('files', f'whole_{ending}', puts(f'bad.{ending}', make), about())

for how in 'lzw zlib packbits lzma zstd jpegxl jpeg2000 webp lerc png'.split():
    lossless = dict(compressionargs=dict(lossless=True)) if how in ('jpegxl','webp') else {}
    if how=='jpeg2000': lossless = dict(compressionargs=dict(level=0))
    add('files', f'tiff_{how}', puts('bad.tif', partial(tiff, compression=how, **lossless)), same())
for how in 'jpeg','jpegxr':
    add('files', f'tiff_{how}', puts('bad.tif', partial(tiff, compression=how)), about())

def scaled(dtype, low=0, high=1):
    "The plain image with values from `low` to `high`"
    return (GREY/255*(high-low)+low).astype(dtype)

DEEP = dict(uint16=(0, 65535), int16=(-2000, 32000), uint32=(0, 2**31), int8=(-128, 127), float32=(0, 1),
    float64=(-5, 5),
    float16=(0, 1000), int32=(-10**6, 10**6), uint64=(0, 2**40))
for dtype,(low,high) in DEEP.items():
    add('files', f'deep_{dtype}', puts('bad.tif', lambda d=dtype, l=low, h=high: tiff(scaled(d, l, h))), about())
add('files', 'deep_12_bits_in_16', puts('bad.tif', lambda: tiff(scaled('uint16', 200, 4000))), about())
add('files', 'deep_png', puts('bad.png', lambda: png(scaled('uint16', 0, 65535))), about())
add('files', 'deep_png_colour', puts('bad.png', lambda: cv2.imencode('.png',
    RGB[...,::-1].astype(np.uint16)*257)[1].tobytes()), about())
add('files', 'deep_jp2', puts('bad.jp2', lambda: jp2(RGB.astype(np.uint16)*257)), about())
add('files', 'deep_jxl', puts('bad.jxl', lambda: jxl(RGB.astype(np.uint16)*257)), about())

def with_alpha(alpha=255): return np.dstack([RGB, np.full(GREY.shape, alpha, np.uint8)])
def image(mode): return Image.fromarray(RGB).convert(mode)
def palette(): return Image.fromarray(RGB).quantize(256)

add('files', 'palette_png', puts('bad.png', lambda: png(palette())), about())
add('files', 'palette_tiff', puts('bad.tif', lambda: pillow(palette(), 'TIFF')), about())
add('files', 'grey_alpha_png', puts('bad.png', lambda: png(image('LA'))), about())
add('files', 'opaque_alpha_png', puts('bad.png', lambda: png(with_alpha())), same())
add('files', 'cmyk_jpeg', puts('bad.jpg', lambda: pillow(image('CMYK'), 'JPEG', quality=95)), about())
add('files', 'cmyk_tiff', puts('bad.tif', lambda: pillow(image('CMYK'), 'TIFF')), about())
add('files', 'lab_tiff', puts('bad.tif', lambda: pillow(image('LAB'), 'TIFF')), about())
add('files', 'ycbcr_tiff', puts('bad.tif', lambda: pillow(image('YCbCr'), 'TIFF')), about())
add('files', 'interlaced_png', puts('bad.png', lambda: _interlaced()), about())
add('files', 'white_is_zero_tiff', puts('bad.tif', lambda: tiff(255-GREY, photometric='miniswhite')), about())
add('files', 'alpha_tiff', puts('bad.tif', lambda: tiff(with_alpha(), photometric='rgb', extrasamples=['unassalpha'])),
    same())
add('files', 'premultiplied_tiff', puts('bad.tif', lambda: tiff(with_alpha(), photometric='rgb',
    extrasamples=['assocalpha'])), same())
add('files', 'infrared_tiff', puts('bad.tif', lambda: tiff(with_alpha(30), photometric='rgb',
    extrasamples=['unspecified'])), same())
add('files', 'planar_tiff', puts('bad.tif', lambda: tiff(np.moveaxis(RGB, -1, 0), photometric='rgb',
    planarconfig='separate')), same())
add('files', 'channels_first_tiff', puts('bad.tif', lambda: tiff(np.moveaxis(RGB, -1, 0), photometric='minisblack',
    metadata={})), same())

def _interlaced():
    "A grey PNG in Adam7, which few programs write"
    passes = (0,0,8,8),(0,4,8,8),(4,0,8,4),(0,2,4,4),(2,0,4,2),(0,1,2,2),(1,0,2,1)
    rows = [line for y,x,dy,dx in passes for line in GREY[y::dy,x::dx]]
    raw = b''.join(b'\0'+line.tobytes() for line in rows)
    h,w = GREY.shape
    return png_of((b'IHDR', struct.pack('>2I5B', w, h, 8, 0, 0, 0, 1)), (b'IDAT', zlib.compress(raw)), (b'IEND', b''))

def png_of(*chunks, start=b'\x89PNG\r\n\x1a\n'):
    "A PNG of `chunks`, (kind, data) each"
    for kind,data in chunks:
        start += struct.pack('>I', len(data))+kind+data+struct.pack('>I', zlib.crc32(kind+data))
    return start

def ome(a, axes, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, a, ome=True, metadata=dict(axes=axes, **options))
    return file.getvalue()

def imagej(a, axes, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, a, imagej=True, metadata=dict(axes=axes, **options))
    return file.getvalue()

PLANES = np.moveaxis(RGB, -1, 0)
add('files', 'ome_cyx', puts('bad.ome.tif', lambda: ome(PLANES, 'CYX')), same())
add('files', 'ome_yxs', puts('bad.ome.tif', lambda: ome(RGB, 'YXS', ), ), same())
add('files', 'ome_zcyx', puts('bad.ome.tif', lambda: ome(np.stack([PLANES]*2), 'ZCYX')), same(pages=2))
add('files', 'ome_tzyx', puts('bad.ome.tif', lambda: ome(np.stack([[GREY]*2]*2), 'TZYX')), about(pages=4))
add('files', 'ome_ctyx', puts('bad.ome.tif', lambda: ome(np.stack([PLANES]*2, 1), 'CTYX')), same(pages=2))
add('files', 'imagej_composite', puts('bad.tif', lambda: imagej(PLANES, 'CYX', mode='composite')), same())
add('files', 'imagej_stack', puts('bad.tif', lambda: imagej(np.stack([GREY]*3), 'ZYX')), about(pages=3))
add('files', 'imagej_stack_of_composites', puts('bad.tif', lambda: imagej(np.stack([PLANES]*2), 'ZCYX')), same(pages=2))
add('files', 'stack_of_pages', puts('bad.tif', stack), same(pages=3))
add('files', 'gif_of_frames', puts('bad.gif', lambda: pillow(image('L'), 'GIF', save_all=True,
    append_images=[image('L').rotate(90)])), about(pages=2))
add('files', 'webp_of_frames', puts('bad.webp', lambda: pillow(image('RGB'), 'WEBP', lossless=True, save_all=True,
    append_images=[image('RGB').rotate(90)])), about(pages=2))
add('files', 'apng_of_frames', puts('bad.png', lambda: png(image('RGB'), save_all=True,
    append_images=[image('RGB').rotate(90)])), about(pages=2), about())

@kind('files', same())
def tiff_with_thumbnail(w):
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as tif:
        tif.write(RGB, photometric='rgb', metadata=None)
        tif.write(RGB[::4,::4], photometric='rgb', metadata=None, subfiletype=1)
    w.put('bad.tif', file.getvalue())

@kind('files', same())
def tiff_with_subifds(w):
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as tif:
        tif.write(RGB, photometric='rgb', metadata=None, subifds=2)
        for n in 2,4: tif.write(RGB[::n,::n], photometric='rgb', metadata=None, subfiletype=1)
    w.put('bad.tif', file.getvalue())

@kind('files', same())
def slide_with_label_and_macro(w):
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as tif:
        tif.write(RGB, photometric='rgb', metadata=None, tile=(64,64),
            description='Aperio Image Library v11\nMPP = 0.25')
        for name in 'label','macro': tif.write(GOOD, photometric='rgb', metadata=None, description=f'{name} 140x140')
    w.put('bad.svs', file.getvalue())

def turned(orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    return jpeg(RGB, exif=exif)

for orientation in range(2, 9):
    add('files', f'exif_turned_{orientation}', puts('bad.jpg', partial(turned, orientation)), about(flags='turned'))

WRONG = dict(png='jpg', jpg='png', tif='png', jxl='tif', webp='bmp', bmp='jp2', gif='jpeg', jp2='svs', avif='webp')
for ending,other in WRONG.items():
    make = (WHOLE | LOSSY)[ending]
    add('files', f'{ending}_called_{other}', puts(f'bad.{other}', make), about())
for ending in 'PNG','TIF','JPG': add('files', f'upper_case_{ending}', puts(f'bad.{ending}',
    (WHOLE|LOSSY)[ending.lower()]), about())

# --------------------------------------------------------------------------- damage: what is cut, changed, or no image at all
SHARES = .02,.3,.6,.9,.99
def cuts(ending, make):
    "A `make` that cuts a file at several lengths"
    def put(w):
        data = make()
        for share in SHARES: w.put(f'bad_{share*100:.0f}.{ending}', data[:int(share*len(data))])
        w.put(f'bad_last.{ending}', data[:-1])
    return put

BROKEN = r'broken|cut|truncat|incomplete|no known image|not enough|end of|without a whole|empty|missing|\d bytes'
for ending,make in (WHOLE | LOSSY).items():
    wants = [row(BROKEN), same() if ending in WHOLE else about()]
    add('damage', f'cut_{ending}', cuts(ending, make), *wants)

DEFLATED = partial(tiff, compression='zlib')
for name,make in dict(deflate=DEFLATED, jpeg=partial(tiff, compression='jpeg'),
    tiles=partial(tiff, tile=(64,64), compression='lzw'),
    big_endian=partial(tiff, byteorder='>'), strips=partial(tiff, rowsperstrip=16), ome=lambda: ome(PLANES, 'CYX'),
    imagej=lambda: imagej(PLANES, 'CYX'), pillow=lambda: pillow(RGB, 'TIFF', compression='tiff_lzw')).items():
    add('damage', f'cut_tiff_{name}', cuts('tif', make), row(BROKEN), same(), about())

def pages_are_all_told(n):
    "Each of `n` pages is done or an error, or one row tells of the whole file"
    def holds(told, file):
        rows = told.of(file)
        if len(rows)<n and not (len(rows)>=1 and any(r['status']=='error' for r in rows)): return False
        return row(BROKEN).holds(told, file) or right(pages=n).holds(told, file)
    return Want('row', holds, f'rows of {n} pages, or of what is missing')

STACKS = dict(pages=stack, compressed=partial(stack, compression='zlib'),
    imagej=lambda: imagej(np.stack([GREY]*3), 'ZYX'),
    ome=lambda: ome(np.stack([GREY]*3), 'ZYX'), gif=lambda: pillow(image('L'), 'GIF', save_all=True,
    append_images=[image('L').rotate(90), image('L').rotate(180)]))
for name,make in STACKS.items():
    ending = 'gif' if name=='gif' else 'tif'
    def cut_stack(w, make=make, ending=ending):
        data = make()
        for share in .3,.5,.8,.97: w.put(f'bad_{share*100:.0f}.{ending}', data[:int(share*len(data))])
    add('damage', f'cut_stack_{name}', cut_stack, pages_are_all_told(3))

NO_IMAGE = dict(empty=b'', text=b'Field 1: 120 cells\n', one_byte=b'\x89', zeros=bytes(5000),
    web_page=b'<!DOCTYPE html><title>404</title>',
    zip=b'PK\x03\x04'+bytes(200), pdf=b'%PDF-1.7\n'+bytes(200), git_lfs=b'version https://git-lfs.github.com/spec/v1\noid sha256:0\n',
    icon=pillow(RGB[:64,:64], 'ICO'), eps=b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n', svg=b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    dicom=bytes(128)+b'DICM'+bytes(200), hdf5=b'\x89HDF\r\n\x1a\n'+bytes(200), psd=b'8BPS\0\x01'+bytes(200), random=np.random.default_rng(0).bytes(5000),
    spaces=b' '*5000, utf16='\ufefftext'.encode('utf-16'), pickle=b'\x80\x04\x95'+bytes(20))
for name,data in NO_IMAGE.items():
    add('damage', f'no_image_{name}', puts('bad.png', data), row(r'empty|text|no known image|broken'))
    if name in ('empty','text','zip','random'):
        add('damage', f'no_image_{name}_tif', puts('bad.tif', data), row(r'empty|text|no known image|broken'))
for start in TIFF_STARTS:
    name = 'damage',f'only_a_tiff_header_{start.hex()}'
    add(*name, puts('bad.tif', start+bytes(40)), row('broken|whole page|no page|cut'))

def chunks(data):
    "(kind, data) of each chunk of a PNG"
    at = 8
    while at<len(data):
        n, = struct.unpack('>I', data[at:at+4])
        yield data[at+4:at+8],data[at+8:at+8+n]
        at += 12+n

def changed_chunks(change): return lambda: png_of(*change(list(chunks(png()))))

def flipped(data, at, by=0x55):
    "`data` with one byte changed, at a share of its length"
    a = bytearray(data)
    a[int(at*len(a))] ^= by
    return bytes(a)

add('damage', 'png_changed_byte', puts('bad.png', lambda: flipped(png(), .5)), row(BROKEN+'|crc|zlib|decompress'))
add('damage', 'png_without_pixels', puts('bad.png', changed_chunks(lambda c: [x for x in c if x[0]!=b'IDAT'])),
    row('broken'))
add('damage', 'png_without_end', puts('bad.png', changed_chunks(lambda c: c[:-1])), same(), row('broken'))
add('damage', 'png_half_pixels', puts('bad.png', changed_chunks(lambda c: [(k,
    d[:len(d)//2] if k==b'IDAT' else d) for k,d in c])), row('broken'))
add('damage', 'png_of_no_width', puts('bad.png', changed_chunks(lambda c: [(b'IHDR',
    struct.pack('>2I', 0, SIDE)+c[0][1][8:]), *c[1:]])), row(BROKEN))
add('damage', 'png_of_unknown_depth', puts('bad.png', changed_chunks(lambda c: [(b'IHDR',
    c[0][1][:8]+b'\x07'+c[0][1][9:]), *c[1:]])), row(BROKEN))
add('damage', 'png_of_endless_chunk', puts('bad.png', lambda: png()[:33]+b'\xff\xff\xff\xffIDAT'+bytes(50)),
    row('broken'))
add('damage', 'png_deep_changed_byte', puts('bad.png', lambda: flipped(png(scaled('uint16', 0, 65535)), .5)),
    row(BROKEN))
add('damage', 'png_deep_cut', cuts('png', lambda: png(scaled('uint16', 0, 65535))), row(BROKEN), about())
add('damage', 'jpeg_with_more_behind', puts('bad.jpg', lambda: jpeg()+bytes(1000)), about())
add('damage', 'jpeg_with_text_before', puts('bad.jpg', lambda: b'HTTP/1.1 200 OK\r\n\r\n'+jpeg()), row('text|no known'))
add('damage', 'jpeg_without_tables', puts('bad.jpg', lambda: jpeg().replace(b'\xff\xdb', b'\xff\xfe')), row(BROKEN))
add('damage', 'jpeg_of_height_0', puts('bad.jpg', lambda: _jpeg_sized(SIDE, 0)), row(BROKEN+'|size'))

def _jpeg_sized(w, h):
    "A JPEG whose header says `w` by `h`"
    data = jpeg(subsampling=0)
    at = data.index(b'\xff\xc0')+5
    return data[:at]+struct.pack('>2H', h, w)+data[at+4:]

NAN = scaled('float32')
add('damage', 'nan_in_tiff', puts('bad.tif', lambda: tiff(np.where(np.eye(SIDE)>0, np.float32('nan'), NAN))),
    row('nan|infinite'))
add('damage', 'infinite_in_tiff', puts('bad.tif', lambda: tiff(np.where(np.eye(SIDE)>0, np.float32('inf'), NAN))),
    row('nan|infinite'))
add('damage', 'all_nan', puts('bad.tif', lambda: tiff(np.full(GREY.shape, np.float32('nan')))), row('nan|infinite'))
add('damage', 'complex_numbers', puts('bad.tif', lambda: tiff(GREY.astype(np.complex64))), row('complex|real numbers'))
add('damage', 'constant_uint16', puts('bad.tif', lambda: tiff(np.full(GREY.shape, 900, np.uint16))),
    row('all are 900'), no_cells())
add('damage', 'constant_float', puts('bad.tif', lambda: tiff(np.zeros(GREY.shape, np.float32))), row('all are 0'),
    no_cells())
for h,w_ in (1,1),(1,200),(200,1),(2,2),(3,300),(8,8),(1,40_000):
    add('damage', f'size_{h}x{w_}', puts('bad.png', lambda h=h, w=w_: png(np.resize(RGB[:1], (h,w,3)))), no_cells(),
        row('small|size|px'), batch='')
    add('damage', f'size_{h}x{w_}_deep', puts('bad.tif', lambda h=h, w=w_: tiff(np.resize(scaled('uint16', 0,
        60000)[:1], (h,w)))),
        no_cells(), row('small|size|px|all are'), batch='')

def raw_tiff(next_ifd=0, data=GREY.tobytes(), drop=(), **tags):
    "A grey TIFF of one strip, in which `tags`, named T and number, have other values"
    h,w = GREY.shape
    values = {256: w, 257: h, 258: 8, 259: 1, 262: 1, 273: 0, 277: 1, 278: h, 279: len(data)}
    values |= {int(k[1:]): v for k,v in tags.items()}
    values = {k: v for k,v in sorted(values.items()) if k not in drop}
    start = 8+2+12*len(values)+4
    if values.get(273)==0: values[273] = start
    entries = [struct.pack('<HHII', k, 4, 1, v) if isinstance(v, int) else struct.pack('<HHI4s', k,
        *v) for k,v in values.items()]
    return b'II*\0'+struct.pack('<IH', 8, len(values))+b''.join(entries)+struct.pack('<I', next_ifd)+data

ANY = BROKEN+r'|unknown|unsupported|compression|strip|XML|not \(H, W\)|channels|array|size|shape|decod|pixels|samples|offset|page'
RAW = dict(strip_too_long=dict(T279=10**6), strip_too_short=dict(T279=100), strip_of_nothing=dict(T279=0),
    strip_beyond_end=dict(T273=10**8),
    strip_in_header=dict(T273=4_000_000_000), unknown_compression=dict(T259=65000), zlib_of_nonsense=dict(T259=8), jpeg_of_nonsense=dict(T259=7),
    lzw_of_nonsense=dict(T259=5), old_jpeg_of_nonsense=dict(T259=6), no_width=dict(drop=(256,)), no_strips=dict(drop=(273,)), no_counts=dict(drop=(279,)),
    no_compression=dict(drop=(259,)), width_0=dict(T256=0), samples_0=dict(T277=0), samples_5=dict(T277=5),
    samples_many=dict(T277=65535), bits_0=dict(T258=0), bits_3000=dict(T258=3000), photometric_unknown=dict(T262=999),
    rows_per_strip_0=dict(T278=0), rows_per_strip_1=dict(T278=1), tag_of_huge_array=dict(T273=(4, 2**30,
        b'\x08\0\0\0')), predictor_9=dict(T317=9),
    sample_format_9=dict(T339=9), orientation_99=dict(T274=99), palette_without_colours=dict(T262=3), tag_type_99=dict(T305=(99, 1, b'abcd')),
    loop=dict(next_ifd=8), next_beyond_end=dict(next_ifd=4_000_000_000), next_in_pixels=dict(next_ifd=5000), planar_9=dict(T284=9))
for name,what in RAW.items():
    add('damage', f'tiff_{name}', puts('bad.tif', partial(raw_tiff, **what)), about(), row(ANY), about(pages=2))

XML = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">'
for i in range(9): XML += f'<!ENTITY {"abcdefghijk"[i+1]} "{("&"+"abcdefghijk"[i]+";")*10}">'
XML += ']><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image>&j;</Image></OME>'
add('damage', 'xml_bomb', puts('bad.ome.tif', lambda: tiff(description=XML)), same(), row('broken|XML'))
add('damage', 'xml_file_of_the_system', puts('bad.ome.tif',
    lambda: tiff(description='<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM '
    '"file:///etc/passwd">]><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image>&a;</Image></OME>')), same(), row('broken|XML'))
add('damage', 'xml_cut', puts('bad.ome.tif', lambda: tiff(description=ome(PLANES,
    'CYX')[300:700].decode('latin1').encode('ascii', 'ignore'))), same(), row('broken'))
add('damage', 'ome_of_missing_files', puts('bad.ome.tif', lambda: ome(PLANES, 'CYX').replace(b'<TiffData',
    b'<TiffDat0')), same(), row(ANY), about(pages=3))
add('damage', 'ome_of_more_planes', puts('bad.ome.tif', lambda: ome(PLANES, 'CYX').replace(b'SizeZ="1"',
    b'SizeZ="9"')), row(ANY), same())
add('damage', 'imagej_of_more_planes', puts('bad.tif', lambda: imagej(np.stack([GREY]*3), 'ZYX').replace(b'images=3',
    b'images=9')), pages_are_all_told(9), about(pages=3))

# -------------------------------------------------------------------------------- bombs: small files of enormous pictures
HUGE = r'pixels|megapixel|too large|too many|[\d,.]+ ?(MB|GB|TB)|\d{4,} ?(x|by|×) ?\d{4,}'
def bomb(name, data, *wants, ending='png'):
    add('bombs', f'bomb_{name}', puts(f'bad.{ending}', data), row(HUGE), *wants)

def zeros_png(h, w):
    "A grey PNG of zeros, made without having them all"
    line = bytes(w+1)
    piece = line*max(1, 2**22//len(line))
    z = zlib.compressobj(9)
    first = z.compress(piece)+z.flush(zlib.Z_FULL_FLUSH)
    again = z.compress(piece)+z.flush(zlib.Z_FULL_FLUSH)
    n = -(-h*(w+1)//len(piece))
    end = z.flush()[:-4]+struct.pack('>I', (n*len(piece)%65521)<<16 | 1)
    return png_of((b'IHDR', struct.pack('>2I5B', w, h, 8, 0, 0, 0, 0)), (b'IDAT', first+again*(n-1)+end),
        (b'IEND', b''))

def header_of(data, w, h): return data.replace(struct.pack('<2I', SIDE, SIDE), struct.pack('<2I', w, h), 1)

bomb('jpeg_header', lambda: _jpeg_sized(60_000, 60_000), ending='jpg')
bomb('png_header', lambda: png_of((b'IHDR', struct.pack('>2I5B', 10**6, 10**6, 8, 2, 0, 0, 0)),
    (b'IDAT', zlib.compress(bytes(1000))), (b'IEND', b'')))
bomb('png_zeros', lambda: zeros_png(60_000, 60_000))
bomb('gif_header', lambda: pillow(RGB, 'GIF')[:6]+struct.pack('<2H', 65535, 65535)+pillow(RGB, 'GIF')[10:],
    row(BROKEN), ending='gif')
bomb('bmp_header', lambda: header_of(pillow(RGB, 'BMP'), 10**5, 10**5), ending='bmp')
bomb('ppm_header', lambda: b'P6 100000 100000 255\n'+RGB.tobytes(), ending='ppm')
bomb('tiff_header', partial(raw_tiff, T256=10**5, T257=10**5), row(BROKEN), ending='tif')
bomb('tiff_width_2e31', partial(raw_tiff, T256=2**31, T257=2**31), row(BROKEN), ending='tif')
bomb('tiff_zlib', lambda: raw_tiff(data=zlib.compress(bytes(10**7)), T259=8, T256=10**5, T257=10**5), ending='tif')
bomb('tiff_tiles', lambda: tiff(np.zeros((64,64), np.uint8), tile=(64,64)).replace(struct.pack('<HHII', 256, 4, 1, 64),
    struct.pack('<HHII', 256, 4, 1, 2**20))
    .replace(struct.pack('<HHII', 257, 4, 1, 64), struct.pack('<HHII', 257, 4, 1, 2**20)), row(ANY), ending='tif')
bomb('jp2_header', lambda: jp2(codecformat='J2K').replace(struct.pack('>2I', SIDE, SIDE),
    struct.pack('>2I', 10**5, 10**5), 1), row(BROKEN), ending='j2k')
bomb('webp_header', lambda: b'RIFF'+struct.pack('<I', 100)+b'WEBPVP8X'+struct.pack('<I',
    10)+b'\0\0\0\0'+b'\xff\xff\x00'+b'\xff\xff\x00'+bytes(60), row(BROKEN), ending='webp')
bomb('png_text', lambda: png_of(*list(chunks(png()))[:1], (b'zTXt', b'Comment\0\0'+zlib.compress(bytes(10**8))),
    *list(chunks(png()))[1:]), row(BROKEN), same())

@kind('bombs', row(HUGE+'|'+BROKEN))
def bomb_sparse_file(w):
    path = w.put('bad.tif', raw_tiff(T257=33_000_000, T278=33_000_000, T279=2**32-1))
    os.truncate(path, 100*2**30)

@kind('bombs', row(HUGE+'|'+BROKEN))
def bomb_sparse_png(w): os.truncate(w.put('bad.png'), 100*2**30)

@kind('bombs', row(HUGE+'|'+BROKEN), right(pages=1), about())
def bomb_of_pages(w): w.put('bad.tif', raw_tiff(next_ifd=8))

# ------------------------------------------------------------- fields: where the picture is, and pictures without any cell
def framed(a, top=0, right=0, bottom=0, left=0, color=(0,0,0)):
    "`a` with flat margins"
    return cv2.copyMakeBorder(np.ascontiguousarray(a), top, bottom, left, right, cv2.BORDER_CONSTANT, value=color)

def written(a, text='Field 12  100x  20 um', color=(0,0,0)):
    "`a` with a line of text near its lower edge"
    return cv2.putText(np.ascontiguousarray(a), text, (6, a.shape[0]-8), cv2.FONT_HERSHEY_SIMPLEX, .4, color, 1)

def circle(side, share=.96):
    "bool, (side, side): a disc in the middle"
    y,x = np.mgrid[:side,:side]-(side-1)/2
    return np.hypot(y, x) < share*side/2

def wide(): return smear((260,260), n=22)
def whole(within=2): return Want('right', lambda t,f: right(len(wide().cells), within).holds(t, f),
    'all cells of the field')

def inside(share=.96):
    "As many cells as have their middle in the disc"
    disc = circle(260, share)
    n = sum(bool(disc[c.y+c.mask.shape[0]//2, c.x+c.mask.shape[1]//2]) for c in wide().cells)
    return right(n, 3)

def rimmed(color, blur=4):
    "A round field within `color`"
    disc = cv2.GaussianBlur(circle(260).astype(np.float32), (0,0), blur)[...,None]
    return (wide().image*disc + np.float32(color)*(1-disc)).astype(np.uint8)

FRAMES = dict(black_frame=lambda a: framed(a, 30, 30, 30, 30), black_frame_of_4_px=lambda a: framed(a, 4, 4, 4, 4),
    white_canvas=lambda a: framed(a, right=150, bottom=90, color=(255,255,255)), letterbox=lambda a: framed(a, top=60,
        bottom=60),
    white_bar=lambda a: written(framed(a, bottom=40, color=(255,255,255))), black_bar=lambda a: written(framed(a,
        bottom=40), color=(255,255,255)),
    grey_bar=lambda a: written(framed(a, bottom=40, color=(128,128,128))), green_canvas=lambda a: framed(a, left=100,
        color=(0,255,0)))
for name,change in FRAMES.items():
    add('fields', name, puts('bad.png', lambda c=change: png(c(np.asarray(wide().image)))), whole(), engine='model')
add('fields', 'round_field_black', puts('bad.png', lambda: png(rimmed((0,0,0)))), inside(), engine='model')
add('fields', 'round_field_brown', puts('bad.png', lambda: png(rimmed((60,40,25)))), inside(), engine='model')
add('fields', 'transparent_corners', puts('bad.png', lambda: png(np.dstack([wide().image,
    circle(260).astype(np.uint8)*255]))), inside(), engine='model')
add('fields', 'transparent_everywhere', puts('bad.png', lambda: png(with_alpha(0))), no_cells(),
    row('transparent|alpha'), engine='model')

def noise(sd, middle, dtype=np.uint8, blur=0, shape=(200,200,3)):
    a = np.random.default_rng(0).normal(0, 1, shape)
    if blur: a = cv2.GaussianBlur(a, (0,0), blur)
    a = middle+sd*a/a.std()
    return np.clip(a, 0, np.iinfo(dtype).max).astype(dtype)

def gradient(*colors):
    "From the first of `colors` above to the second one below"
    share = np.linspace(0, 1, 200)[:,None,None]
    return np.broadcast_to(np.float32(colors[0])*(1-share)+np.float32(colors[1])*share, (200,200,3)).astype(np.uint8)

def disc(side, radius, dark, light=230):
    a = np.full((side,side,3), light, np.uint8)
    return cv2.circle(a, (side//2,side//2), radius, (dark,)*3, -1)

EMPTY = dict(all_black=np.zeros((200,200,3), np.uint8), all_white=np.full((200,200,3), 255, np.uint8),
    all_grey=np.full((200,200,3), 128, np.uint8),
    all_pink=np.full((200,200,3), (240,210,220), np.uint8), gradient_of_light=gradient((120,)*3,
        (240,)*3), gradient_of_colour=gradient((240,200,200), (200,200,240)),
    gradient_from_black=gradient((0,)*3, (255,)*3), noise_weak=noise(3, 220), noise_medium=noise(20,
        200), noise_strong=noise(60, 128),
    noise_grey=np.repeat(noise(20, 200, shape=(200,200,1)), 3, 2), noise_coarse=noise(20, 200,
        blur=2), noise_black_and_white=noise(10**6, 128),
    half_black=np.r_[np.zeros((100,200,3), np.uint8), np.full((100,200,3), 230, np.uint8)], noise_in_the_dark=noise(4,
        6))
for name,a in EMPTY.items(): add('fields', name, puts('bad.png', partial(png, a)), no_cells(), engine='model')
add('fields', 'noise_deep', puts('bad.tif', lambda: tiff(noise(20, 3200, np.uint16, shape=(200,200)))), no_cells(),
    engine='model')
add('fields', 'noise_deep_coarse', puts('bad.tif', lambda: tiff(noise(20, 3200, np.uint16, 1.5, (200,200)))),
    no_cells(), engine='model')
add('fields', 'noise_in_jpeg', puts('bad.jpg', lambda: jpeg(noise(20, 200), quality=30)), no_cells(), engine='model')
add('fields', 'noise_classic', puts('bad.png', lambda: png(noise(20, 200))), no_cells())
add('fields', 'noise_deep_classic', puts('bad.tif', lambda: tiff(noise(20, 3200, np.uint16, shape=(200,200)))),
    no_cells())
add('fields', 'noise_beside_few_cells', lambda w: (w.put('noise.tif', tiff(noise(20, 3200, np.uint16,
    shape=(200,200)))),
    w.put('few.png', png(disc(200, 12, 150)))), no_cells(), right(1), engine='model')

@kind('fields', right(20, 2), engine='model')
def cells_along_one_side(w):
    "Case 06 of issue 19: nothing in the middle and at the quarter points"
    a = np.full((1400,1400,3), np.median(RGB, (0,1)), np.uint8)
    low = smear((130,1400), n=20, diameter=28.).image
    a += noise(1, 3, shape=a.shape)-3
    a[-130:] = low
    w.put('bad.png', png(a))

@kind('fields', right(60, 3), engine='model')
def long_strip(w):
    "Case 17 of issue 19: 80 times as long as high"
    w.put('bad.png', png(smear((60,4800), n=60, diameter=20.).image))

@kind('fields', right(None))
def tall_strip(w):
    "300 times as high as wide"
    w.put('bad.png', png(np.rot90(smear((40,12_000), n=60, diameter=18.).image)))

def pale_discs(centre):
    "16 discs of radius 20 px whose centre has a share of the rim's stain"
    y,x = np.mgrid[:400,:400]
    r = np.hypot(y%100-50, x%100-50)
    stain = (r<20)*(1-(1-centre)*np.clip(1-(r/13)**2, 0, 1))
    a = np.float32([235,225,228])*10**(-cv2.GaussianBlur(stain, (0,0), 1)[...,None]*np.float32([.08,.25,.15]))
    return (a+np.random.default_rng(0).normal(0, 1.5, a.shape)).clip(0, 255).astype(np.uint8)

def area(px, within):
    "Done, with that mean area"
    return Want('right', lambda t,f: right(None).holds(t, f) and abs(float(t.of(f)[0]['area_mean'])/px-1)<within,
        f'areas of {px} px')

for centre in 1,.6,.3,0: # case 19 of issue 19
    add('fields', f'discs_with_centre_{centre}', puts('bad.png', lambda c=centre: png(pale_discs(c))), area(1257, .03),
        engine='model')

PALE = lambda: np.asarray(smear((200,200), 12, 24., 0).image)[...,1]
add('fields', 'pale_smear', puts('bad.tif', lambda: tiff(PALE())), right(12, 1), engine='model')
add('fields', 'pale_smear_of_16_bits', puts('bad.tif', lambda: tiff(PALE().astype(np.uint16)*257)), right(12, 1),
    engine='model')
for diameter in 4,5000,10_000:
    add('fields', f'diameter_of_{diameter}', puts('bad.png', lambda: png()), right(None), row('diameter|pixels|large'),
        line('diameter'), engine='model',
        options=('--diameter',str(diameter)), good=False)
for value in 'nan','inf','-5','0','forty','1e9','':
    add('fields', f'diameter_{value or "empty"}', puts('bad.png', png),
        check(lambda t: t.code==2 and '--diameter' in t.err and t.err.count('error')==1, 'line',
        'a line with --diameter'),
        options=('--diameter',value))

# --------------------------------------------------------------------------------- sizes: what a file says of its pixels
CM = dict(resolutionunit='CENTIMETER')
def sized(size, *wants, **columns): return right(pixel_size_um=f'^{size}$', within=1, **columns)
SIZED = dict(tiff_cm=(lambda: tiff(resolution=(40_000,40_000), **CM), '0.25'),
    tiff_inch=(lambda: tiff(resolution=(101_600,101_600), resolutionunit='INCH'), '0.25'),
    tiff_300_dpi=(lambda: tiff(resolution=(300,300), resolutionunit='INCH'),
        ''), tiff_72_dpi=(lambda: tiff(resolution=(72,72), resolutionunit='INCH'), ''),
    tiff_without_unit=(lambda: tiff(resolution=(40_000,40_000), resolutionunit='NONE'),
        ''), tiff_of_no_resolution=(lambda: tiff(resolution=((0,1),(0,1)), **CM), ''),
    tiff_absurd=(lambda: tiff(resolution=((2**32-1,1),(2**32-1,1)), **CM), ''),
    tiff_one_axis=(lambda: tiff(resolution=((40_000,1),(0,1)), **CM),
        '(0.25)?'), tiff_not_square=(lambda: tiff(resolution=(40_000,20_000), **CM), '0.353553'),
    tiff_unit_99=(lambda: raw_tiff(T296=99, T282=(5, 1, b'\x08\0\0\0'), T283=(5, 1, b'\x08\0\0\0')), ''),
    ome_um=(lambda: ome(PLANES, 'CYX', PhysicalSizeX=.25, PhysicalSizeY=.25), '0.25'),
    ome_nm=(lambda: ome(PLANES, 'CYX', PhysicalSizeX=250, PhysicalSizeY=250, PhysicalSizeXUnit='nm',
        PhysicalSizeYUnit='nm'), '0.25'),
    ome_pixel=(lambda: ome(PLANES, 'CYX', PhysicalSizeX=1, PhysicalSizeY=1, PhysicalSizeXUnit='pixel',
        PhysicalSizeYUnit='pixel'), ''),
    ome_0=(lambda: ome(PLANES, 'CYX', PhysicalSizeX=0, PhysicalSizeY=0),
        ''), ome_minus=(lambda: ome(PLANES, 'CYX', PhysicalSizeX=-.25, PhysicalSizeY=-.25), ''),
    ome_word=(lambda: ome(PLANES, 'CYX', PhysicalSizeX='nan', PhysicalSizeY='big'),
        ''), mpp=(lambda: tiff(description='Aperio Image Library\nx|MPP = 0.2500|y'), '0.25'),
    mpp_of_two_points=(lambda: tiff(description='Aperio Image Library\nx|MPP = 0.25.3|y'),
        ''), mpp_of_a_point=(lambda: tiff(description='Aperio\nMPP = .'), ''),
    mpp_enormous=(lambda: tiff(description='Aperio\nMPP = 99999'),
        ''), png_per_metre=(lambda: png(dpi=(101_600,101_600)), '0.25'), png_72_dpi=(lambda: png(dpi=(72,72)), ''),
    jpeg_96_dpi=(lambda: jpeg(dpi=(96,96)), ''), png_of_0_per_metre=(lambda: png_of(*list(chunks(png()))[:1],
        (b'pHYs', struct.pack('>2IB', 0, 0, 1)), *list(chunks(png()))[1:]), ''))
for name,(make,size) in SIZED.items(): add('sizes', f'size_{name}', puts('bad.tif', make), sized(size))
add('sizes', 'size_imagej_calibrated', puts('bad.tif', lambda: _calibrated()),
    sized('0.25', pixel_size_source='ImageJ'))
add('sizes', 'size_given_beats_the_file', puts('bad.tif', lambda: tiff(resolution=(40_000,40_000), **CM)),
    sized('0.3', pixel_size_source='given'), options=('--pixel-size','0.3'))
add('sizes', 'size_not_square_is_flagged', puts('bad.tif', SIZED['tiff_not_square'][0]),
    sized('0.353553', flags='pixels of'))
add('sizes', 'size_of_giants', puts('bad.png', png),
    check(lambda t: 'µm across' in t.err and all('µm across' in r['flags'] for r in t.rows), 'flag',
    'a flag and a line'),
    options=('--pixel-size','6.5'))
add('sizes', 'size_of_dwarfs', puts('bad.png', png),
    check(lambda t: 'µm across' in t.err and all('µm across' in r['flags'] for r in t.rows), 'flag',
    'a flag and a line'),
    options=('--pixel-size','0.01'))
for value in '0','-1','nan','inf','1e9','2,5','':
    add('sizes', f'size_option_{value or "empty"}', puts('bad.png', png),
        check(lambda t: t.code==2 and '--pixel-size' in t.err, 'line', 'a line with --pixel-size'),
        options=(f'--pixel-size={value}',))

def _calibrated():
    file = io.BytesIO()
    tifffile.imwrite(file, GREY, imagej=True, resolution=(4,4), metadata=dict(axes='YX', unit='um'))
    return file.getvalue()

@kind('sizes', batch='', *[check(lambda t: all(r['pixel_size_um']==dict(day1='0.25', day2='0.5').get(r['image'][:4],
    '') for r in t.rows), 'right', 'each image keeps its size')])
def size_of_another_day(w):
    "A later run with another size changes nothing of the first one's images"
    day1 = w.put('day1.png', png(RGB[::-1]))
    in_process(w, ['segment', day1, '--out', w.out, '--engine', 'classic', '--pixel-size', '.25'], 'classic')
    day1.unlink()
    w.made.clear()
    day2 = w.put('day2.png', png(np.rot90(RGB)))
    in_process(w, ['segment', day2, '--out', w.out, '--engine', 'classic', '--pixel-size', '.5'], 'classic')
    w.made.clear()

# ---------------------------------------------------------------------------------------------------- names of files
def raw_table(told): return (told.world.out/'images.csv').read_bytes()

def _plain_cells(told, file):
    "The rows that are done, each with the plain image's cells; no cell of a table begins as a formula does; one line a row"
    rows = told.mine
    text = raw_table(told).decode('utf-8')
    formulas = [v for r in rows for k,v in r.items() if k in ('image','error','flags') and v[:1] in ('=','+','-','@','\t','\r')]
    done = [r for r in rows if r['status']=='ok']
    lines = text.count('\n')
    return not formulas and '\r' not in text and lines==1+len(told.rows) and all(_is_done(r, N, 1) for r in done)

def named(n=1, pages=1):
    "All of `n` images that were made are done, and the tables can be read"
    return Want('right', lambda t,f: _plain_cells(t,
        f) and sum(r['status']=='ok' for r in t.mine)==len(t.mine)==n*pages, f'{n} rows that are done, in a clean table')

def refused(said, n=0):
    "A row per file that isn't done"
    return Want('row', lambda t,f: _plain_cells(t, f) and all(re.search(said, r['error'],
        re.I) for r in t.mine if r['status']=='error')
        and len(t.mine)==1+n, f'rows with {said}')

def names(*files, data=None):
    def put(w):
        for f in files: w.put(f, data)
        w.made[:] = [w.made[0]] if w.made else []
    return put

ODD = dict(spaces=' a  b .png', unicode='Blutbild_Müller_赤血球.png', decomposed='Mu\u0308ller.png',
    emoji='\N{MICROSCOPE}.png', newline='a\nb.png', tab='a\tb.png',
    carriage_return='a\rb.png', escape='a\x1b[31mb.png', bell='a\x07.png', right_to_left='a\u202egnp.png', zero_width='a\u200bb.png', line_separator='a\u2028b.png',
    quotes='a"b\'c.png', comma='a,b;c.png', html='<img src=x onerror=alert(1)>.png', percent='100%25.png', hash='a#b?c.png', backslash='a\\b.png',
    star='a*[b].png', dollar='$(touch x)`ls`.png', equals='=1+1.png', equals_command="=cmd|'!A1'.png", plus='+1.png', minus='-1.png', at='@SUM(A1).png', two_dashes='--out.png',
    reserved='con.png', dots='a.b.c.png', dot_at_end='a..png', quote_first="'=1.png", page='x_p001.png', number='007.png', nan='nan.png', null='NULL.png', only_ending='mask.png',
    bom='\ufeffa.png', colon='a:b.png', pipe='a|b.png')
FIRST = 'equals','equals_command','plus','minus','at','two_dashes','quote_first' # what counts is how a row begins
for name,file in ODD.items(): add('names', f'name_{name}', names(file), named(),
    **(dict(batch='') if name in FIRST else {}))
add('names', 'name_no_utf8', lambda w: w.put(os.fsdecode(b'caf\xe9.png')), named())
add('names', 'name_no_utf8_twice', lambda w: (w.put(os.fsdecode(b'caf\xe9.png')), w.put('caf%E9.png', png(RGB[::-1]))),
    named(2))
add('names', 'name_no_utf8_folder', lambda w: w.put(os.fsdecode(b'caf\xe9/a.png')), named())
add('names', 'name_of_250_bytes', names('a'*246+'.png'), named(), refused('name|long'))
add('names', 'name_of_240_bytes', names('a'*236+'.png'), named(), refused('name|long'))
add('names', 'name_of_two_long_ones', names('a'*245+'1.png', 'a'*245+'2.png'), named(2), refused('name|long', 1))
add('names', 'name_equals_in_folder', names('=1+1/a.png'), named(), batch='')
add('names', 'name_newline_in_folder', names('a\nb/c.png'), named())
add('names', 'name_deep_folders', names('/'.join('abcdefgh'*4)+'/x.png'), named())
add('names', 'same_stem_two_endings', names('a.png', 'a.jpg', data=None), named(2))
add('names', 'same_stem_three_endings', names('x.png', 'x.jpg', 'x.png.tif'), named(3))
add('names', 'same_stem_chain', names('x.png', 'x.jpg', 'x.png.tif', 'x.png.bmp', 'x.jpg.gif'), named(5))
add('names', 'same_name_in_capitals', names('a.png', 'A.png'), named(2))
add('names', 'ending_in_capitals', names('a.png', 'a.PNG'), named(2))
add('names', 'composed_and_decomposed', names('Mu\u0308ller.png', 'M\u00fcller.png'), named(2))
add('names', 'page_beside_its_stack', lambda w: (w.put('a.tif', stack(2)), w.put('a_p001.png', png(RGB[::-1]))),
    named(3))
add('names', 'stacks_of_one_stem', lambda w: (w.put('a.tif', stack(2)), w.put('a.btf', stack(2, compression='zlib'))),
    named(4))
add('names', 'image_called_as_a_result', names('good_overlay.jpg', 'a_cells.png'), named(2))
add('names', 'image_called_as_a_table', names('images.csv.png', 'report.html.png', 'run.json.tif'), named(3))
add('names', 'image_called_surgical_mask', names('surgical_mask.png'), named())

HIDDEN = '.a.png','._a.png','.hidden/a.png','.DS_Store'
add('names', 'hidden_files', names(*HIDDEN), check(lambda t: not t.mine, 'told', 'the good image alone'))
MASKS = dict(ours=['good_mask.png'], ours_painted=['good_mask.v2.png'], overlay=['good_overlay.png'],
    cellpose=['good_cp_masks.png'], cellpose_flows=['good_flows.tif'],
    cellpose_seg=['good_seg.npy'], stardist=['good.stardist.tif'], ilastik=['good_Simple Segmentation.png'], labels=['good_labels.tif'], outlines=['good_cp_outlines.txt'])
for name,files in MASKS.items():
    add('names', f'mask_{name}', names(*files), left_out('mask|result|labels|file'), left_out(r'\.\w+'), batch='')
add('names', 'other_files', names('notes.txt', 'scan.czi', 'Thumbs.db', 'table.xlsx', 'archive.zip'),
    left_out(r'\.czi.*|\.txt'), batch='')
add('names', 'files_without_ending', names('image', data=png()), left_out('without ending'), batch='')
add('names', 'folder_called_as_an_image', names('a.png/b.png'), named())

# ------------------------------------------------------------------------- places: folders, links, permissions, arguments
def places(*wants, **options): return kind('places', *wants, **options)
def good_is_done(t, n=1): return sum(r['status']=='ok' for r in t.rows)==n and all(_is_done(r, N,
    1) for r in t.rows if r['status']=='ok')
def mentions(said, n=1, codes=(0,1)):
    "`n` images are done, and a line or a row mentions what isn't"
    def holds(t, _):
        errors = ' '.join(r['error']+' '+r['image'] for r in t.rows if r['status']=='error')
        return t.code in codes and good_is_done(t, n) and bool(re.search(said, t.err+errors, re.I))
    return Want('told', holds, f'{n} images done, {said} mentioned')
def done(n, flags=''): return check(lambda t: good_is_done(t,
    n) and len(t.rows)==n and t.code==0 and (not flags or any(re.search(flags,
    r['flags']) for r in t.rows)), 'right', f'{n} images done {flags}')

def link(w, name, target, outside=True):
    path = w.inside/name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
    return path

def elsewhere(w, name='elsewhere/a.png', data=None):
    path = w/name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data or png())
    return path

@places(mentions('link'), done(2))
def link_to_a_folder(w): link(w, 'slides', elsewhere(w).parent)

@places(mentions('link'), done(1))
def link_to_the_folder_above(w): link(w, 'again', w.inside)

@places(mentions('link'), mentions('loop'))
def link_to_itself(w): link(w, 'self.png', w.inside/'self.png')

@places(mentions('link'))
def broken_link(w): link(w, 'gone.png', w/'nowhere.png')

@places(mentions('link'))
def broken_link_to_a_folder(w): link(w, 'gone', w/'nowhere')

@places(done(2))
def link_to_a_file_elsewhere(w): link(w, 'a.png', elsewhere(w))

@places(mentions('link'), done(1))
def link_to_a_file_beside(w): link(w, 'again.png', w.inside/'good.png')

@places(done(2, 'same file as'))
def same_bytes_twice(w): w.put('again.png', png(GOOD)); w.made.clear()

@places(done(2, 'same file as'), mentions('link|same'))
def hard_link(w): os.link(w.inside/'good.png', w.inside/'hard.png')

@places(mentions('special|fifo|pipe|file'))
def fifo(w): os.mkfifo(w.inside/'pipe.png')

@places(mentions('special|device|file'), mentions('link'))
def link_to_a_device(w): link(w, 'zero.png', '/dev/zero')

def only(*more, out=None): return lambda w: ['segment', *[w/m for m in more], '--out', out and w/out or w.out,
    '--engine', 'classic']

@places(mentions('missing'), argv=only('in','missing.png'))
def missing_name_beside_a_folder(w): pass

@places(check(lambda t: t.code==1 and 'failed: bad.png' in t.err and len(t.rows)==1, 'row', 'a row, exit code 1'), argv=only('bads'))
def nothing_but_a_bad_image(w): elsewhere(w, 'bads/bad.png', b'no image')

@places(check(lambda t: t.code==0 and len(t.rows)==1, 'flag', 'a row'), argv=only('bads'))
def nothing_but_an_image_without_cells(w): elsewhere(w, 'bads/bad.png', png(np.full((200,200,3), 230, np.uint8)))

@places(line('missing'), argv=only('missing'))
def missing_folder(w): pass

@places(line('pipe|such|special|file'), check(lambda t: t.code==1 and 'pipe.png' in t.err, 'row', 'a row with pipe.png'), argv=only('pipe.png'))
def fifo_by_name(w): os.mkfifo(w/'pipe.png')

@places(mentions('pipe'), argv=only('in','pipe.png'))
def fifo_by_name_beside_a_folder(w): os.mkfifo(w/'pipe.png')

@places(line('empty'), argv=only('empty'))
def empty_folder(w): (w/'empty').mkdir()

@places(mentions('empty'), done(1), argv=only('in','empty'))
def empty_folder_beside_another(w): (w/'empty').mkdir()

@places(done(1), argv=only('in','in'))
def folder_twice(w): pass

@places(done(1), argv=only('in','in/good.png'))
def folder_and_its_file(w): pass

@places(done(1), argv=only('in','in/../in/./good.png'))
def file_by_two_ways(w): pass

@places(done(2), argv=lambda w: ['segment', w/'in', w/'in/day1', '--out', w.out, '--engine', 'classic'])
def folder_and_its_subfolder(w): w.put('day1/a.png'); w.made.clear()

@places(done(2), argv=only('in/day1'))
def subfolder_later(w):
    "Counted twice, under two names"
    w.put('day1/a.png')
    in_process(w, ['segment', w.inside, '--out', w.out, '--engine', 'classic'], 'classic')
    w.made.clear()

@places(done(2), argv=only('in'))
def subfolder_earlier(w):
    w.put('day1/a.png')
    in_process(w, ['segment', w/'in/day1', '--out', w.out, '--engine', 'classic'], 'classic')
    w.made.clear()

@places(done(2), argv=only('elsewhere/in'))
def moved_folder(w):
    "The same images under another path later"
    w.put('a.png')
    in_process(w, ['segment', w.inside, '--out', w.out, '--engine', 'classic'], 'classic')
    shutil.copytree(w.inside, w/'elsewhere/in')
    w.made.clear()

@places(done(2), mentions('name'), argv=only('one/a.png','two/a.png'))
def two_files_of_one_name(w): elsewhere(w, 'one/a.png'), elsewhere(w, 'two/a.png', png(GOOD))

@places(done(2), mentions('name'), argv=only('x/slides','y/slides'))
def two_folders_of_one_name(w): elsewhere(w, 'x/slides/a.png'), elsewhere(w, 'y/slides/a.png', png(GOOD))

@places(check(lambda t: t.code in (0,2) and (t.world.inside/'good.png').read_bytes()==png(GOOD), 'right',
    'the image as it was'), argv=only('in', out='in'))
def out_is_the_folder(w): pass

@places(check(lambda t: (t.world.inside/'good_mask.png').read_bytes()==png(RGB) and (t.code==2 or t.code==1) and 'good_mask.png' in t.err, 'line', "a person's file kept, and named"),
    argv=only('in', out='in'))
def out_is_the_folder_with_masks_of_a_person(w): w.put('good_mask.png'); w.made.clear()

def hand_made(t): return (read_mask(t.world/'labelled/masks/good_mask.png')==1).all()

@places(check(lambda t: hand_made(t) and t.code in (1,2) and 'good_mask.png' in t.err or hand_made(t) and 'masks' in t.err, 'line', 'the mask made by hand kept'), argv=only('in', out='labelled/masks'))
def out_is_masks_made_by_hand(w): write_mask(w/'labelled/masks/good_mask.png', GREY*0+1)

@places(done(1), argv=only('in', out='in/results'))
def out_inside_the_folder(w): w.out = w.inside/'results'

@places(done(1), argv=only('in', out='in/results'))
def out_inside_the_folder_again(w):
    w.out = w.inside/'results'
    in_process(w, ['segment', w.inside, '--out', w.out, '--engine', 'classic'], 'classic')

@places(line('out'), argv=only('in', out='out'))
def out_is_a_file(w): w.out.write_text('a person wrote this')

@places(check(lambda t: t.code==2 and 'out' in t.err and not (t.world/'images.csv').exists(), 'line',
    'a line with out'),
    argv=lambda w: ['segment', w.inside, '--out', '', '--engine', 'classic'])
def out_is_empty(w): pass

@places(line('empty|such'), check(lambda t: t.code==2 and 'empty' in t.err, 'line', 'a line'),
    argv=lambda w: ['segment', '', '--out', w.out, '--engine', 'classic'])
def place_is_empty(w): pass

@places(line('out|directory|folder'), argv=lambda w: ['segment', w.inside, '--out', w/('a'*300)/'out', '--engine',
    'classic'])
def out_is_too_long(w): pass

for name in 'report.html','images.csv','cells.csv','run.json':
    add('places', f'folder_called_{name}', lambda w, name=name: (w.out/name).mkdir(parents=True),
        mentions(re.escape(name), codes=(0,1,2)),
        line(re.escape(name)))
for end in 'mask.png','overlay.png','cells.json':
    def put(w, end=end):
        (w.out/f'bad_{end}').mkdir(parents=True)
        w.put('bad.png')
    add('places', f'folder_called_bad_{end}', put, row(f'bad_{end}'))

def only_inside(code):
    "A line about a link, and nothing written elsewhere"
    return check(lambda t: t.code==code and 'by a link' in t.err and not any((t.world/'elsewhere').iterdir()), 'line',
        'nothing written elsewhere')

def linked_results(w, name, to='elsewhere'):
    "A folder of results in which `name` is a link to a place elsewhere"
    for folder in w.out,w/'elsewhere': folder.mkdir(exist_ok=True)
    (w.out/name).symlink_to(w/to)

@places(only_inside(1))
def results_in_a_link(w):
    w.put('day1/a.png')
    linked_results(w, 'day1')

@places(only_inside(1), argv=lambda w: ['masks', w.inside, '--out', w.out])
def masks_in_a_link(w): linked_results(w, 'masks')

for name in '.lock','.written.sha256':
    add('places', f'link_called{name}', lambda w, name=name: linked_results(w, name, 'elsewhere/new'), only_inside(2), good=False)

@places(done(1))
def pipe_called_lock(w):
    w.out.mkdir()
    os.mkfifo(w.out/'.lock')

@places(line('pipe|special'), good=False)
def pipe_called_written(w):
    w.out.mkdir()
    os.mkfifo(w.out/'.written.sha256')

NOBODY = ('setpriv','--reuid=65534','--regid=65534','--clear-groups') if os.geteuid()==0 else ()
def forbid(path):
    path.chmod(0)
    return path
def open_to_all(w):
    for p in [w.folder, *w.folder.parents][:-1]: p.chmod(p.stat().st_mode | 0o755) if str(p).startswith(('/tmp/pytest','/tmp/tmp')) else None
    w.out.mkdir(exist_ok=True)
    w.out.chmod(0o777)
def as_nobody(*wants): return kind('places', *wants, alone=True, before=NOBODY, good=False)

@as_nobody(mentions('permission'))
def file_without_permission(w): open_to_all(w); forbid(elsewhere(w, 'in/closed.png'))

@as_nobody(mentions('permission'))
def folder_without_permission(w): open_to_all(w); forbid(elsewhere(w, 'in/closed/a.png').parent)

@as_nobody(check(lambda t: t.code==2 and 'ermission' in t.err and str(t.world.out) in t.err, 'line',
    'a line with the folder'))
def out_without_permission(w): open_to_all(w); w.out.chmod(0o555)

@as_nobody(mentions('permission', n=1), row('permission'))
def link_to_a_folder_without_permission(w):
    open_to_all(w)
    closed = elsewhere(w, 'closed/a.png')
    link(w, 'a.png', closed)
    forbid(closed.parent)

# ------------------------------------------------------------ results: what lies in the folder of an earlier run, damaged
def after(change):
    "A `make`: an earlier run, a `change` of a file of it, one more image"
    def make(w):
        earlier(w)
        change(w)
        w.put('bad.png')
    return make

def rewritten(name, change):
    "After an earlier run, the bytes of the file `name` as `change` makes them of the old ones"
    def put(w):
        path = w.out/name
        path.write_bytes(change(path.read_bytes()))
    return after(put)

def text(change): return lambda data: change(data.decode()).encode()
TABLES = dict(semicolons=text(lambda t: t.replace(',', ';')), tabs=text(lambda t: t.replace(',', '\t')),
    empty=lambda d: b'', header_only=lambda d: d.splitlines()[0],
    no_status=text(lambda t: t.replace('status', 'state')), no_error=text(lambda t: t.replace('error',
        'problem')), no_image=text(lambda t: t.replace('image', 'picture')),
    latin1=lambda d: d+'bäd.png,error,größer'.encode('latin1')+b'\n', utf16=text(lambda t: t) and (lambda d: d.decode().encode('utf-16')), nul=lambda d: d[:60]+b'\0'*20+d[60:],
    binary=lambda d: np.random.default_rng(0).bytes(3000), open_quote=lambda d: d+b'"bad.png,error', more_columns=lambda d: d+b'a,b'*40+b'\n', one_word=lambda d: b'hello',
    bom=lambda d: b'\xef\xbb\xbf'+d, crlf=lambda d: d.replace(b'\n',
        b'\r\n'), html=lambda d: b'<html><table><tr><td>image</table>', two_headers=lambda d: d+d,
    twice_the_same_column=text(lambda t: t.replace('cells,', 'image,',
        1)), spreadsheet=lambda d: b'PK\x03\x04'+bytes(100), long_field=lambda d: d+b'x'*200_000+b',error,y\n')
for name,change in TABLES.items(): add('results', f'images_csv_{name}', rewritten('images.csv', change), same())
for file in 'cells.csv','clumps.csv','run.json','report.html':
    for name,change in dict(empty=lambda d: b'', binary=lambda d: b'\xff\xfe\0'*100).items():
        add('results', f'{file.replace(".", "_")}_{name}', rewritten(file, change), same())

def record(change):
    "A change of a file of cells: what `change` makes of its data, or does to them"
    def rewrite(data):
        d = json.loads(data)
        new = change(d)
        return json.dumps(d if new is None else new).encode()
    return rewrite

def lacks(*keys):
    def drop(d):
        for k in keys: d['info'].pop(k, None)
    return record(drop)
def says(**info): return record(lambda d: d['info'].update(info))
RECORDS = dict(cut=lambda d: d[:len(d)//2], empty=lambda d: b'', null=lambda d: b'null', list=lambda d: b'[]',
    text=lambda d: b'cells', nested=lambda d: b'['*100_000,
    no_info=record(lambda d: d.pop('info') and d), info_a_list=record(lambda d: d | dict(info=[])), no_annotations=record(lambda d: d.pop('annotations') and d), no_images=record(lambda d: d.pop('images') and d),
    annotations_null=record(lambda d: d | dict(annotations=None)), annotations_emptied=record(lambda d: d | dict(annotations=[])), fewer_annotations=record(lambda d: d | dict(annotations=d['annotations'][:2])),
    annotations_numbers=record(lambda d: d | dict(annotations=[1,2])), no_measures=record(lambda d: [a.pop('measures') for a in d['annotations']] and d),
    measures_text=record(lambda d: [a.update(measures='x') for a in d['annotations']] and d), no_segmentation=record(lambda d: [a.pop('segmentation') for a in d['annotations']] and d),
    nan=text(lambda t: t.replace('"diameter": ',
        '"diameter": NaN, "d": ')), utf16=lambda d: d.decode().encode('utf-16'),
    latin1=text(lambda t: t.replace('good.png', 'good.pn\udce9').encode('utf-8',
        'replace').decode()), **{f'no_{k}': lacks(k) for k in ('date','flags','image','path','sha256','settings','diameter',
    'free_cells','cells','clump_table','pixel_size','page','counted','seconds','area_mean')}, date_a_number=says(date=5), date_null=says(date=None), image_a_number=says(image=7), image_another=says(image='other.png'),
    flags_text=says(flags='x'), flags_null=says(flags=None), diameter_text=says(diameter='big'), diameter_huge=says(diameter=1e300), pixel_size_of_three=says(pixel_size=[1,2,3]), pixel_size_text=says(pixel_size='x'),
    free_cells_text=says(free_cells='x'), cells_text=says(cells='many'), path_outside=says(path='/etc/passwd'), path_a_number=says(path=3), settings_null=says(settings=None), clump_table_text=says(clump_table='x'),
    image_outside=says(image='../../evil.png'))
def damages(name, change, gone=False):
    "A `make` that changes a result of `bad.png`; is the image `gone` since?"
    def make(w):
        path = w.result(name)
        path.write_bytes(change(path.read_bytes()))
        if gone: w.made.pop().unlink()
    return make
def put_bad(w): w.put('bad.png')
for name,change in RECORDS.items(): add('results', f'record_{name}', damages('bad_cells.json', change), same(),
    row('not by rbc-overlap|changed'), first=put_bad, batch='records')
for name in 'cut no_date no_flags no_annotations annotations_null no_measures date_a_number cells_text flags_null diameter_text pixel_size_text clump_table_text no_image image_a_number'.split():
    add('results', f'other_record_{name}', damages('bad_cells.json', RECORDS[name], gone=True),
        check(lambda t: True, 'right', 'the rest done'), first=put_bad, batch='others')

PICTURES = dict(cut=lambda d: d[:len(d)//2], empty=lambda d: b'', text=lambda d: b'no picture',
    zeros=lambda d: bytes(500))
for name,change in PICTURES.items(): add('results', f'overlay_{name}', damages('bad_overlay.png', change), same(),
    first=put_bad, batch='records')
for name in 'good_mask.png','good_overlay.png','good_cells.json','images.csv','run.json','report.html':
    add('results', f'removed_{name}', after(lambda w, name=name: (w.out/name).unlink()), same())

def kept(path, data, said=''):
    "What a person made is still at `path`, or under another name in its folder, and a line or a row names it"
    def holds(told, _):
        folder = (told.world/path).parent
        there = any(p.is_file() and p.read_bytes()==data for p in folder.iterdir())
        errors = ' '.join(r.get('error') or '' for r in told.rows)
        return there and bool(re.search(said or re.escape(Path(path).name), told.err+errors))
    return Want('told', holds, f'{path} kept, and named')

PAINTED = png(np.where(np.eye(SIDE)>0, 2, 0).astype(np.uint8))
NOTES = b'image,remark\ngood.png,please look again\n'
add('results', 'mask_painted_since', after(lambda w: (w.out/'good_mask.png').write_bytes(PAINTED)),
    kept('out/good_mask.png', PAINTED), good=False, options=('--redo',))
add('results', 'overlay_of_a_person', after(lambda w: (w.out/'good_overlay.png').write_bytes(PAINTED)),
    kept('out/good_overlay.png', PAINTED), good=False, options=('--redo',))
add('results', 'table_of_a_person', after(lambda w: (w.out/'images.csv').write_bytes(NOTES)),
    kept('out/images.csv', NOTES), good=False)
add('results', 'cells_table_of_a_person', after(lambda w: (w.out/'cells.csv').write_bytes(NOTES)),
    kept('out/cells.csv', NOTES), good=False)
add('results', 'table_there_before_the_first_run', lambda w: (write_file(w.out/'images.csv', NOTES), w.put('bad.png')),
    kept('out/images.csv', NOTES), good=False)
add('results', 'report_there_before_the_first_run', lambda w: (write_file(w.out/'report.html', NOTES),
    w.put('bad.png')), kept('out/report.html', NOTES), good=False)
add('results', 'mask_there_before_the_first_run', lambda w: (write_file(w.out/'bad_mask.png', PAINTED),
    w.put('bad.png')), kept('out/bad_mask.png', PAINTED))

def no_parts(t, file): return same().holds(t, file) and not [*t.world.out.rglob('*.part')]
def parts(w): return [write_file(w.out/n,
    'half') for n in ('.good_mask.png.99999999.part','.images.csv.99999998.part','.run.json.99999997.part')]
add('results', 'parts_left_behind', after(parts), Want('right', no_parts, 'the parts removed'))

@kind('results', row('text|no known image'))
def image_that_was_good_and_is_damaged(w):
    path = w.put('bad.png')
    earlier(w)
    path.write_bytes(b'no image any more')

@kind('results', same())
def image_that_was_damaged_and_is_good(w):
    path = w.put('bad.png', b'no image yet')
    in_process(w, ['segment', w.inside, '--out', w.out, '--engine', 'classic'], 'classic')
    path.write_bytes(png())

def exports(w): return ['export', w.out, '--out', w/'exported']
def export_of(change, name='bad_cells.json'):
    def make(w):
        w.put('bad.png')
        earlier(w)
        path = w.out/name
        path.write_bytes(change(path.read_bytes()))
        w.made.clear()
    return make
EXPORTED = told(r'failed: bad_cells\.json: .+', 'exported/good_rois.zip', 'exported/cells.coco.json')
for name in 'cut empty null list text nested no_info info_a_list no_annotations annotations_null annotations_numbers no_measures measures_text no_segmentation no_date no_settings utf16 fewer_annotations pixel_size_text'.split():
    fair = [told('', 'exported/bad_rois.zip')] if name=='utf16' else [] # JSON may be that
    add('results', f'export_of_record_{name}', export_of(RECORDS[name]), EXPORTED, *fair, argv=exports)
def resized(h, w_): return record(lambda d: d['images'][0].update(height=h, width=w_))
for name,size in dict(million=(10**6, 10**6), minus=(-5, 130), zero=(0, 0), text=('a', 'b'), larger=(500, 500),
    floats=(130.5, 130)).items():
    add('results', f'export_of_size_{name}', export_of(resized(*size)), EXPORTED, argv=exports)
for name,counts in dict(garbage='zzzz~~', empty='', number=5, negative=[-5, 20], too_long=[0, 10**12]).items():
    add('results', f'export_of_counts_{name}', export_of(record(lambda d,
        c=counts: d['annotations'][0]['segmentation'].update(counts=c))), EXPORTED, argv=exports)
add('results', 'export_of_run_json_damaged', export_of(lambda d: b'{', 'run.json'), line(r'run\.json'),
    told('', 'exported/good_rois.zip'), argv=exports)
add('results', 'export_of_nothing', lambda w: w.out.mkdir(), line('out'), argv=exports)
add('results', 'export_of_no_folder', lambda w: None, line('out'), argv=exports)

def not_exported(t): return t.code in (0,1) and (t.world/'exported/good_rois.zip').exists() and not (t.world/'exported/bad_rois.zip').exists()
@kind('results', check(not_exported, 'told', 'the failed image left out'), argv=exports)
def export_of_a_failed_image(w):
    path = w.put('bad.png')
    earlier(w)
    path.write_bytes(b'no image any more')
    in_process(w, ['segment', w.inside, '--out', w.out, '--engine', 'classic'], 'classic')
    w.made.clear()

@kind('results', kept('exported/cells.coco.json', NOTES), argv=exports)
def export_into_a_labelled_folder(w):
    earlier(w)
    write_file(w/'exported/cells.coco.json', NOTES)

@kind('results', kept('exported/good_rois.zip', NOTES), argv=exports)
def export_over_edited_rois(w):
    earlier(w)
    in_process(w, exports(w), 'classic')
    (w/'exported/good_rois.zip').write_bytes(NOTES)

# -------------------------------------------------------------------------- models: files that are no model for red cells
CARD = dict(recipe='compact', input='relative absorbance', multiple=32, diameter=40,
    classes=['background','rbc','overlap'])
def onnx_model(card=CARD, channels=3, out_channels=3, half=False, nan=False, outputs=1, inputs=1, dtype='float',
    out_dtype='float', external=False):
    "A tiny network that says the same everywhere, in an ONNX file"
    from onnx import TensorProto, helper, numpy_helper
    kind_of = dict(float=TensorProto.FLOAT, uint8=TensorProto.UINT8, double=TensorProto.DOUBLE)
    weights = numpy_helper.from_array(np.full((out_channels,channels,1,1), np.nan if nan else .1, np.float32), 'w')
    if external:
        weights.ClearField('raw_data')
        weights.data_location = TensorProto.EXTERNAL
        weights.external_data.add(key='location', value='../../../../../../etc/passwd')
    sides = ['height','width']
    nodes = [helper.make_node('Cast', ['image'], ['x'], to=TensorProto.FLOAT),
        helper.make_node('Conv', ['x','w'], ['y'], strides=[2,2] if half else [1,1]), helper.make_node('Softmax',
            ['y'], ['p'], axis=1)]
    outs = [f'p{i}' for i in range(outputs)]
    nodes += [helper.make_node('Cast', ['p'], [o], to=kind_of[out_dtype]) for o in outs]
    ins = [helper.make_tensor_value_info(n, kind_of[dtype], ['n',channels,*sides]) for n in ['image','more'][:inputs]]
    out = [helper.make_tensor_value_info(o, kind_of[out_dtype], ['n',out_channels,None,None]) for o in outs]
    graph = helper.make_graph(nodes, 'g', ins, out, [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=9)
    if card is not None: helper.set_model_props(model, dict(card=card if isinstance(card, str) else json.dumps(card)))
    return model.SerializeToString()

MODELS = dict(empty=b'', text=b'no model', image=png(), zip=b'PK\x03\x04'+bytes(500),
    random=np.random.default_rng(0).bytes(5000), cut=lambda: onnx_model()[:200], pickle=b'\x80\x04cos\nsystem\n(S"true"\ntR.')
NETWORKS = dict(no_card=dict(card=None), card_text=dict(card='a card'), card_empty=dict(card=''),
    card_list=dict(card=[1]), card_number=dict(card='5'), card_null=dict(card='null'), card_nested=dict(card='['*100_000),
    **{f'card_diameter_{name}': dict(card=CARD | dict(diameter=v)) for name,v in dict(zero=0, minus=-40, text='40px',
        null=None, nan=float('nan'), infinite=float('inf'), huge=1e9, tiny=1e-9, list=[40]).items()},
    **{f'card_multiple_{name}': dict(card=CARD | dict(multiple=v)) for name,v in dict(zero=0, minus=-32, text='x',
        huge=10**9, half=.5).items()},
    **{f'card_without_{k}': dict(card={i: v for i,v in CARD.items() if i!=k}) for k in ('input','multiple','diameter')}, card_other_input=dict(card=CARD | dict(input='heat')),
    two_classes=dict(out_channels=2), six_classes=dict(out_channels=6), one_channel=dict(channels=1), four_channels=dict(channels=4), half_size=dict(half=True), nan=dict(nan=True),
    two_outputs=dict(outputs=2), no_output=dict(outputs=0), two_inputs=dict(inputs=2), input_of_bytes=dict(dtype='uint8'), input_double=dict(dtype='double'), weights_elsewhere=dict(external=True))

def early(t, _):
    "One line with the model's name, before any work"
    return line(r'model\.onnx').holds(t, _) and not [*t.world.out.glob('*_mask.png')]
EARLY = Want('line', early, 'one line with model.onnx, and nothing written')

class ModelKind(Kind):
    def run(self, folder):
        world = World(folder)
        self.make(world)
        return in_process(world, ['segment', world.inside, '--out', world.out, '--model', world/'model.onnx'], 'model')

def model(name, data): KINDS[f'model_{name}'] = ModelKind(f'model_{name}', 'models',
    lambda w: write_file(w/'model.onnx', data() if callable(data) else data), (EARLY,))
for name,data in MODELS.items(): model(name, data)
for name,options in NETWORKS.items(): model(name, partial(onnx_model, **options))
KINDS['model_missing'] = ModelKind('model_missing', 'models', lambda w: None, (EARLY,))
KINDS['model_folder'] = ModelKind('model_folder', 'models', lambda w: (w/'model.onnx').mkdir(), (EARLY,))

# ------------------------------------------------------- labels: masks, COCO files, tables and journals of labelled folders
def labelled(w):
    "`truth` of two images, f and h, and `pred`, the same"
    for folder in 'truth','pred': save_labelled([smear(), smear(seed=6)], w/folder, ['f','h'])

def compares(w, *more): return ['evaluate', w/'pred', w/'truth', '--out', w/'scores', *more]
def scored(t): return json.loads((t.world/'scores/scores.json').read_text())
def are_right(t):
    cells = scored(t)['cells']
    return t.code==0 and cells['cells']==2*N and cells['f1_50']==1
RIGHT = check(are_right, 'right', 'the scores of the same cells')
def noted(said): return Want('told', lambda t,_: t.code in (0,1) and bool(re.search(said, t.said+t.err,
    re.I)) and bool(scored(t)), f'scores with a note on {said}')

def changed_coco(change, where='truth'):
    "Both folders, the COCO file of one of them as `change` makes it of the bytes or the data"
    def make(w):
        labelled(w)
        path = w/where/'cells.coco.json'
        data = path.read_bytes()
        path.write_bytes(change(data))
    return make
def all_say(**what): return record(lambda d: [a.update(what) for a in d['annotations']] and d)
def first_says(**what): return record(lambda d: d['annotations'][0].update(what))
def image_says(**what): return record(lambda d: d['images'][0].update(what))
def image_lacks(k): return record(lambda d: d['images'][0].pop(k) and d)
COCO_LINE = line(r'cells\.coco\.json')
BAD_COCO = dict(cut=lambda d: d[:len(d)//2], empty=lambda d: b'', text=lambda d: b'cells', null=lambda d: b'null',
    list=lambda d: b'[]', nested=lambda d: b'['*100_000, utf16=lambda d: d.decode().encode('utf-16')[2:],
    no_images=record(lambda d: d.pop('images') and d), no_annotations=record(lambda d: d.pop('annotations') and d), images_null=record(lambda d: d | dict(images=None)), annotations_null=record(lambda d: d | dict(annotations=None)),
    images_numbers=record(lambda d: d | dict(images=[1])), annotations_numbers=record(lambda d: d | dict(annotations=[1])), annotations_a_dict=record(lambda d: d | dict(annotations={})),
    size_minus=image_says(height=-5), size_zero=image_says(height=0,
        width=0), size_text=image_says(height='x'), size_missing=image_lacks('height'), size_null=image_says(width=None), size_of_floats=image_says(height=130.7),
    points_nan=all_say(segmentation=[[float('nan')]*6]), points_infinite=all_say(segmentation=[[float('inf')]*6]), points_odd=all_say(segmentation=[[1,2,3,4,5,6,7]]), points_two=all_say(segmentation=[[1,2,3,4]]),
    points_text=all_say(segmentation=[['a']*6]), points_nested=all_say(segmentation=[[[1,2],[3,4],[5,6]]]), points_null=all_say(segmentation=[[None]*6]), segmentation_text=all_say(segmentation='x'),
    segmentation_number=all_say(segmentation=5), counts_garbage=all_say(segmentation=dict(size=[SIDE,SIDE],
        counts='zz~~zz')), counts_negative=all_say(segmentation=dict(size=[SIDE,SIDE], counts=[5,-4,20])),
    counts_text_list=all_say(segmentation=dict(size=[SIDE,SIDE],
        counts=['a'])), counts_number=all_say(segmentation=dict(size=[SIDE,SIDE], counts=7)), counts_of_other_size=first_says(segmentation=dict(size=[50,50], counts=[0,2500])),
    counts_without_size=all_say(segmentation=dict(counts=[0,5])), image_id_unknown=all_say(image_id=99), image_id_missing=record(lambda d: [a.pop('image_id') for a in d['annotations']] and d),
    two_images_of_one_id=record(lambda d: d['images'].append(dict(d['images'][0],
        file_name='g.png'))), id_missing=image_lacks('id'), id_a_list=image_says(id=[1]), file_name_missing=image_lacks('file_name'), file_name_a_number=image_says(file_name=7),
    file_name_null=image_says(file_name=None), box_of_three=record(lambda d: [(a.pop('segmentation'),
        a.update(bbox=[1,2,3])) for a in d['annotations']] and d),
    box_text=record(lambda d: [(a.pop('segmentation'),
        a.update(bbox=list('abcd'))) for a in d['annotations']] and d), box_nan=record(lambda d: [(a.pop('segmentation'), a.update(bbox=[float('nan')]*4)) for a in d['annotations']] and d),
    score_text=all_say(score='x'), category_a_list=all_say(category_id=[1]), categories_text=record(lambda d: d | dict(categories='rbc')), categories_numbers=record(lambda d: d | dict(categories=[1])), categories_without_id=record(lambda d: d | dict(categories=[dict(name='rbc')])))
BAD_COCO['size_million'] = image_says(height=10**6, width=10**6)
ALONE_COCO = dict(counts_size_million=all_say(segmentation=dict(size=[10**6,10**6], counts=[0,5])),
    points_at_1e9=all_say(segmentation=[[1e9,1e9,1e9,2e9,2e9,2e9]]), points_at_minus_1e9=all_say(segmentation=[[-1e9,-1e9,1e9,1e9,5,5]]),
    counts_too_long=all_say(segmentation=dict(size=[SIDE,SIDE],
        counts=[0,2**40])), box_at_1e9=record(lambda d: [(a.pop('segmentation'),
        a.update(bbox=[0,0,1e9,1e9])) for a in d['annotations']] and d))
for name,change in (BAD_COCO | ALONE_COCO).items():
    for where in ('truth','pred') if name in ('cut','size_million','points_at_1e9') else ('truth',):
        wants = [COCO_LINE, noted(r'cells\.coco\.json|left out|another|other size|no size|not in|f\.png'),
            line(r'f\.png')] if name not in BAD_COCO or name[:4] not in ('cut','empt','text') else [COCO_LINE]
        if name in ('utf16','score_text','categories_text','categories_numbers','categories_without_id','category_a_list'): wants.append(RIGHT)
        add('labels', f'coco_{name}'+('_predicted' if where=='pred' else ''), changed_coco(change, where), *wants,
            argv=compares, alone=name in ALONE_COCO)
FAIR_COCO = dict(bom=lambda d: b'\xef\xbb\xbf'+d, no_categories=record(lambda d: d.pop('categories') and d),
    no_category_id=record(lambda d: [a.pop('category_id') for a in d['annotations']] and d),
    category_in_capitals=record(lambda d: d | dict(categories=[dict(id=1,
        name='RBC')])), id_text=record(lambda d: (d['images'][0].update(id='one'), [a.update(image_id='one') for a in d['annotations']]) and d),
    no_areas=record(lambda d: [a.pop('area') for a in d['annotations']] and d), file_name_in_folders=image_says(file_name='images/f.png'))
for name,change in FAIR_COCO.items(): add('labels', f'coco_{name}', changed_coco(change), RIGHT, argv=compares)
MORE = [dict(id=2, name='wbc'), dict(id=3, name='platelet')]
add('labels', 'coco_of_three_classes', changed_coco(record(lambda d: (d['categories'].extend(MORE),
    d['annotations'].append(dict(d['annotations'][0], id=99, category_id=2))) and d)), RIGHT, argv=compares)
add('labels', 'coco_of_other_classes_alone', changed_coco(record(lambda d: (d.update(categories=MORE),
    d['annotations'][0].update(category_id=2), [a.update(category_id=3) for a in d['annotations'][1:]]) and d)), line('--category'), argv=compares)
add('labels', 'coco_of_boxes', changed_coco(record(lambda d: [a.pop('segmentation') for a in d['annotations']] and d)),
    noted('boxes'), argv=compares)

def changed_mask(a, where='truth', name='masks/f_mask.png'):
    def make(w):
        labelled(w)
        data = a(w) if callable(a) else a
        write_file(w/where/name, data if isinstance(data, bytes) else png(data))
    return make
MASK = np.asarray(smear().mask)
BAD_MASKS = dict(value_7=np.where(np.eye(SIDE)>0, 7, MASK).astype(np.uint8), rgb=np.repeat(MASK[...,None], 3, 2),
    alpha=np.dstack([MASK, MASK]), deep=MASK.astype(np.uint16), cut=png(MASK)[:150], empty=b'', text=b'mask',
    jpeg=jpeg(MASK*100), scaled=MASK*100, other_image=png(RGB))
for name,a in BAD_MASKS.items():
    add('labels', f'mask_{name}', changed_mask(a), line(r'f_mask\.png'), noted(r'f_mask\.png'), argv=compares)
    add('labels', f'mask_{name}_predicted', changed_mask(a, 'pred'), line(r'f_mask\.png'), noted(r'f_mask\.png'),
        argv=compares)
add('labels', 'mask_of_another_size', changed_mask(MASK[:-9]), line(r'f_mask\.png'), noted('size'), argv=compares)
add('labels', 'mask_of_another_size_predicted', changed_mask(MASK[:-9], 'pred'), noted('size'), argv=compares)
add('labels', 'mask_bomb', changed_mask(lambda w: zeros_png(60_000, 60_000)), line(r'f_mask\.png'),
    noted(r'f_mask\.png'), argv=compares)

LABELS = np.zeros((SIDE,SIDE), np.uint16)
for i,c in enumerate(smear().cells, 1): LABELS[c.y:c.y+c.mask.shape[0],c.x:c.x+c.mask.shape[1]][c.mask] = i
def label_image(a, name='f_cp_masks.tif'):
    def make(w):
        labelled(w)
        shutil.rmtree(w/'pred')
        write_file(w/'pred'/name, a if isinstance(a, bytes) else tiff(a))
        write_file(w/'pred'/'h_cp_masks.tif', tiff(LABELS[:,::-1]))
    return make
LABEL_LINE = line(r'f_(cp_masks|labels)\.')
BAD_LABELS = dict(fractions=LABELS+.5, nan=np.where(np.eye(SIDE)>0, np.float32('nan'), LABELS),
    minus=LABELS.astype(np.int32)-1, rgb=np.repeat(LABELS[...,None].astype(np.uint8), 3,
    2), cut=tiff(LABELS)[:5000], empty=b'', text=b'labels',
    three_dimensions=np.stack([LABELS]*3), complex=LABELS.astype(np.complex64))
for name,a in BAD_LABELS.items(): add('labels', f'label_image_{name}', label_image(a), LABEL_LINE,
    noted(r'f_cp_masks\.'), argv=compares)
add('labels', 'label_image_of_huge_numbers', label_image(LABELS.astype(np.uint32)*500_000_000), noted('label'),
    LABEL_LINE, argv=compares)
add('labels', 'label_image_float', label_image(LABELS.astype(np.float32)), noted('label image'), LABEL_LINE,
    argv=compares)
add('labels', 'label_image_64_bits', label_image(LABELS.astype(np.int64)), noted('label image'), argv=compares)
add('labels', 'label_image_of_another_size', label_image(LABELS[:-9]), noted('size'), LABEL_LINE, argv=compares)

@kind('labels', line('pred'), argv=compares)
def predictions_missing(w): labelled(w); shutil.rmtree(w/'pred')

@kind('labels', line('pred'), argv=compares)
def predictions_empty(w): predictions_missing(w); (w/'pred').mkdir()

@kind('labels', line('pred'), argv=compares)
def predictions_a_file(w): predictions_missing(w); (w/'pred').write_text('x')

@kind('labels', line('pred'), argv=compares)
def predictions_of_other_images(w): labelled(w); shutil.rmtree(w/'pred'); save_labelled([smear()], w/'pred', ['g'])

@kind('labels', line('truth'), argv=compares)
def truth_empty(w): labelled(w); shutil.rmtree(w/'truth'); (w/'truth').mkdir()

def truth_image(name, data, *wants):
    add('labels', f'evaluate_image_{name}', lambda w: (labelled(w), (w/'truth/images/f.png').write_bytes(data)),
        line(r'f\.png'), noted(r'f\.png|picture'), *wants, argv=compares)
truth_image('damaged', b'no image')
truth_image('of_another_size', png(RGB[:-9]))
SLIDES = dict(semicolons=b'image;slide\nf.png;a\nh.png;b\n', empty=b'', binary=b'\xff\xfe\0\x01'*40,
    no_slide=b'image,day\nf.png,a\n', latin1='image,slide\nf.png,M\xfcller\n'.encode('latin1'), short_rows=b'image,slide\nf.png\n', nul=b'image,slide\nf\0.png,a\n')
for name,data in SLIDES.items():
    add('labels', f'slides_csv_{name}', lambda w, data=data: (labelled(w), (w/'truth/slides.csv').write_bytes(data)),
        line(r'slides\.csv'), noted(r'slides\.csv'), *([RIGHT] if name in ('empty','short_rows','latin1','nul','semicolons') else []), argv=compares)
add('labels', 'crops_without_slides', lambda w: (labelled(w), (w/'truth/slides.csv').unlink()), line('truth'),
    argv=partial(compares, *()) and (lambda w: compares(w, '--crops')))

def masks_of(w): return ['masks', w.inside, '--out', w/'lab']
def masked(*wants): return kind('labels', *wants, argv=masks_of)
FAILED = told(r'failed: bad\.\w+: .+', 'lab/masks/good_mask.png')
for name in 'empty','text','zip','zeros': add('labels', f'masks_of_{name}', lambda w,
    n=name: (w.put('bad.png', NO_IMAGE[n]), w.made.clear()), FAILED, argv=masks_of)
add('labels', 'masks_of_cut_tiff', lambda w: (w.put('bad.tif', DEFLATED()[:9000]), w.made.clear()), FAILED,
    argv=masks_of)
add('labels', 'masks_of_nan', lambda w: (w.put('bad.tif', tiff(np.full((99,99), np.float32('nan')))), w.made.clear()),
    FAILED, argv=masks_of)
add('labels', 'masks_of_a_bomb', lambda w: (w.put('bad.png', zeros_png(60_000, 60_000)), w.made.clear()), FAILED,
    argv=masks_of)

@masked(check(lambda t: t.code==1 and len([*(t.world/'lab/masks').glob('bad_p*_mask.png')])==2, 'row',
    'the two good pages done, the bad one told'))
def masks_of_a_stack_with_a_bad_page(w):
    data = bytearray(stack(3, compression='zlib'))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as tif: at = tif.pages[1].dataoffsets[0]
    data[at:at+400] = bytes(400)
    w.put('bad.tif', bytes(data)); w.made.clear()

@masked(told('', 'lab/masks/good_mask.png'))
def masks_with_a_mask_made_by_hand(w): write_file(w/'lab/masks/good_mask.png',
    PAINTED); write_file(w/'lab/images/good.png', png(GOOD))
KINDS['masks_with_a_mask_made_by_hand'].wants = check(lambda t: (t.world/'lab/masks/good_mask.png').read_bytes()==PAINTED, 'right', 'the mask as it was'),

@masked(told(r'good\.png'))
def masks_of_another_image_of_that_name(w): write_file(w/'lab/images/good.png',
    png(RGB)); write_mask(w/'lab/masks/good_mask.png', MASK)

@kind('labels', check(lambda t: t.code==2 or not (t.world.inside/'masks').exists() or not (t.world.inside/'images').exists(), 'line', 'nothing nested'), argv=lambda w: ['masks', w.inside, '--out', w.inside])
def masks_into_the_same_folder(w): pass

@kind('labels', line('out'), check(lambda t: t.code==2 and 'out' in t.err, 'line', 'a line with out'),
    argv=lambda w: ['masks', w.inside, '--out', ''])
def masks_into_nothing(w): pass

DOUBTS = dict(semicolons=b'image;doubt;flagged;reason\nf;0.1;True;x\n', empty=b'', text=b'hello',
    no_doubt=b'image,flagged\nf,True\n', doubt_text=b'image,doubt,flagged,reason\nf,much,True,x\n', binary=b'\xff\xfe\0\x01'*40,
    latin1='image,doubt,flagged,reason\nM\xfcller,0.1,True,x\n'.encode('latin1'), nul=b'image,doubt\n\0\0,0.1\n', no_image=b'name,doubt\nf,0.1\n', open_quote=b'image,doubt,flagged,reason\n"f,0.1,True,x\n', many_fields=b'image,doubt\nf,0.1,1,2,3,4\n')
def reads(name, put, does, *wants):
    "A kind whose command is a function of ours: what it returns, warns of or refuses is told"
    add('labels', name, put, *wants, argv=lambda w: partial(does, w))
def doubts(w):
    from rbc_overlap.folders import Doubts
    return Doubts(w/'truth').rows
DOUBT_LINE = line(r'doubt\.csv')
for name,data in DOUBTS.items():
    fair = [check(lambda t: 'f' in t.said or 'ller' in t.said, 'right',
        'the row')] if name in ('latin1','many_fields','semicolons','open_quote') else []
    if name in ('empty','nul'): fair = [check(lambda t: t.code==0, 'right', 'no rows')]
    reads(f'doubt_csv_{name}', lambda w, d=data: (labelled(w), write_file(w/'truth/doubt.csv', d)), doubts, DOUBT_LINE,
        told(r'doubt\.csv'), *fair)

def decided(w):
    from rbc_overlap.journal import Journal
    return Journal(w/'truth').decisions()
def journal(*lines):
    "A labelled folder with an accepted mask, and `lines` in its journal"
    def put(w):
        from rbc_overlap.journal import Journal
        labelled(w)
        Journal(w/'truth', 'me').add('f', 'accept')
        path = w/'truth/review.jsonl'
        path.write_bytes(b''.join(lines[:1])+path.read_bytes()+b''.join(lines[1:]))
    return put
STANDS = Want('told', lambda t,_: t.code==0 and "'f': 'accept'" in t.said and 'review.jsonl' in t.err,
    'the decision stands, and the line is named')
QUIET = Want('right', lambda t,_: t.code==0 and "'f': 'accept'" in t.said, 'the decision stands')
LINES = dict(garbage=b'garbage\n', binary=b'\xff\xfe\0\n', nul=bytes(500)+b'\n', number=b'5\n', list=b'[1]\n',
    null=b'null\n', nested=b'['*100_000+b'\n', empty_object=b'{}\n', unknown_decision=b'{"image":"f","decision":"eat","sha256":"0"}\n',
    image_a_list=b'{"image":["f"],"decision":"accept","sha256":"0"}\n', image_null=b'{"image":null,"decision":"reject","sha256":"0"}\n', sha256_a_number=b'{"image":"f","decision":"reject","sha256":5}\n', huge_number=b'{"image":"f","decision":"accept","sha256":1e999}\n',
    long_number=b'9'*5000+b'\n', lone_surrogate=b'"\\ud800"\n', long_line=b'x'*10**6+b'\n')
for name,data in LINES.items(): reads(f'journal_{name}', journal(data, data), decided, STANDS)
for name,data in dict(blank=b'\n\n', note_a_list=b'{"image":"f","decision":"note","sha256":"0","note":[1]}\n',
    unknown_image=b'{"image":"nobody","decision":"accept","sha256":"0"}\n', image_outside=b'{"image":"../../f","decision":"accept","sha256":"0"}\n',
    last_line_torn=b'').items(): reads(f'journal_{name}', journal(data,
        data if data else b'{"image": "f", "dec'), decided, QUIET, STANDS)
reads('journal_a_folder', lambda w: (labelled(w), (w/'truth/review.jsonl').mkdir()), decided, line(r'review\.jsonl'))

def painted(w):
    from rbc_overlap.journal import Painting
    p = Painting(w/'truth', 'f')
    while p.undo(): pass
    return p.mask.shape, p.can_undo
def strokes(change):
    "A labelled folder with one stroke in its log, whose bytes `change` changes"
    def put(w):
        from rbc_overlap.journal import Painting
        labelled(w)
        Painting(w/'truth', 'f', 'me').paint(np.zeros((20,20), np.uint8)+255, 5, 5)
        log, = (w/'truth/masks').glob('*.strokes.jsonl')
        log.write_bytes(change(log.read_bytes()))
    return put
def stroke_says(**what): return lambda d: json.dumps(json.loads(d) | what).encode()+b'\n'
def packed(data): 
    import base64
    return base64.b64encode(zlib.compress(data)).decode()
SHAPE = check(lambda t: t.code==0 and str((SIDE,SIDE)) in t.said, 'right', 'the mask can be painted')
STROKES = dict(cut=lambda d: d[:len(d)//2], empty=lambda d: b'', binary=lambda d: b'\xff\0'*50+d,
    numbers=lambda d: b'5\n[]\nnull\n'+d, nested=lambda d: b'['*100_000+b'\n'+d, was_a_list=stroke_says(was=[1]), sha256_null=stroke_says(sha256=None),
    outside=stroke_says(y=10**6), minus=stroke_says(y=-3), size_text=stroke_says(h='x'), size_huge=stroke_says(h=10**9,
        w=10**9), before_text=stroke_says(before='x'), before_short=stroke_says(before=packed(b'12')), before_bomb=stroke_says(before=packed(bytes(10**8))),
    value_7=stroke_says(before=packed(bytes([7])*400)), undo_without_stroke=lambda d: b'{"undo":true,"was":"0","sha256":"1"}\n'+d, before_missing=lambda d: json.dumps({k: v for k,v in json.loads(d).items() if k!='before'}).encode()+b'\n')
for name,change in STROKES.items(): reads(f'strokes_{name}', strokes(change), painted, SHAPE, line('f|stroke'))

def from_gimp_of(w):
    from rbc_overlap.gimp import from_gimp
    return from_gimp(w/'truth', w/'x.tif')
for name,data in dict(empty=b'', text=b'x', xcf=b'gimp xcf v011', tiff=tiff(), stack=stack(4),
    tiff_header=b'II*\0'+bytes(9), cut=tiff()[:5000]).items():
    reads(f'gimp_{name}', lambda w, d=data: (labelled(w), write_file(w/'x.tif', d)), from_gimp_of, line(r'x\.tif'))

def reviewed(w):
    from rbc_overlap.review import Review
    r = Review(w/'truth')
    return f'{r.state["problem"]} of {r.state["name"]}'
SHOWN = check(lambda t: t.code==0 and re.search(r'(image|mask|broken|size|text|no such).* of f', t.said), 'row',
    'the problem in the place of the picture')
for name,(file,data) in dict(image_damaged=('images/f.png', b'no image'), image_cut=('images/f.png', png()[:3000]),
    mask_damaged=('masks/f_mask.png', b'x'), mask_of_another_size=('masks/f_mask.png',
    png(MASK[:-9])), mask_value_7=('masks/f_mask.png', png(BAD_MASKS['value_7']))).items():
    reads(f'review_{name}', lambda w, f=file, d=data: (labelled(w), (w/'truth'/f).write_bytes(d)), reviewed, SHOWN)
reads('review_image_missing', lambda w: (labelled(w), (w/'truth/images/f.png').unlink()), reviewed, SHOWN)

# END
# ------------------------------------------------------------------------------------------------------------- the table
def table(outcomes):
    "Text: a line per group with the number of kinds of each outcome, `outcomes` by name"
    words = 'right','row','line','flag','told','other'
    lines = [f'{"":10}'+''.join(f'{w:>7}' for w in words)]
    for group in [*GROUPS, 'all']:
        names = [n for n in outcomes if group in ('all', KINDS[n].group)]
        times = Counter(outcomes[n] for n in names)
        if names: lines.append(f'{group:10}'+''.join(f'{times[w]:7}' for w in words))
    return '\n'.join(lines)

def try_kinds(wanted):
    "Try the kinds whose group or name holds one of the words `wanted`, or all; how many are wrong"
    outcomes = {}
    for name,k in KINDS.items():
        if wanted and not any(w in name or w==k.group for w in wanted): continue
        started = time.time()
        with tempfile.TemporaryDirectory() as folder: outcomes[name],wrong = outcome(k, folder)
        seconds = time.time()-started
        if wrong or seconds>3: print(f'{k.group}, {name} ({seconds:.1f} s): {wrong or "right, but slow"}', flush=True)
    print(table(outcomes))
    return sum(word=='other' for word in outcomes.values())

if __name__=='__main__': sys.exit(try_kinds(sys.argv[1:])>0)
