"""Inputs that go wrong somewhere, made on the spot: each kind is a function that puts one into a folder, and says which
outcome is right. Beside each bad image lies a good one, which must be done as ever.

usage: bad_inputs.py [WORD...]   tries the kinds whose group or name holds a WORD, prints what fails and a table of outcomes

right: the numbers of the plain image; row: images.csv names the error; line: exit code 2 and one line that names the file;
flag: done, and a flag says what is odd; told: done, and a line says what was left out; other: anything else, a defect."""
import csv, io, json, os, re, resource, shutil, signal, struct, subprocess, sys, tempfile, time, traceback, warnings, zipfile
import zlib
from collections import Counter
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Callable
os.environ['TQDM_DISABLE'] = '1'
import cv2, imagecodecs, numpy as np, tifffile
from PIL import Image
from rbc_overlap.cli import main
from rbc_overlap.core import TIFF_STARTS, read_mask, write_file, write_mask
from rbc_overlap.folders import printable
from rbc_overlap.smear import Smear, save_labelled, simulate

N,SIDE = 6,130         # cells of the plain image, and its side
SECONDS = 20           # that one command may take
MEMORY = 6*2**30       # bytes that a command may take that runs on its own
GROUPS = 'files','damage','bombs','fields','sizes','names','places','results','models','labels'

# ---------------------------------------------------------------------------------------------------- what is tried, how
@lru_cache
def smear(shape=(SIDE,SIDE), n=N, diameter=22., seed=4):
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
    "A folder with images `inside`, one of them good, and an `out` for results"
    def __init__(self, folder):
        self.folder = Path(folder)
        self.inside,self.out = self.folder/'in',self.folder/'out'
        self.made = []  # bad images
        self.put('good.png', png(GOOD), good=True)

    def __truediv__(self, name): return self.folder/name

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
        name = printable(file.relative_to(self.world.inside))
        pages = re.compile(re.escape(name)+r'(_p\d+)?')
        return [r for r in self.rows if pages.fullmatch(r['image'].lstrip("'"))]

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
    with redirect_stdout(out), redirect_stderr(err), in_time(), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try: told.code = main([os.fspath(a) for a in argv])
        except SystemExit as e: told.code = e.code
        except (Exception, TookTooLong) as e: told.crashed = _where(e)
    told.said,told.err = out.getvalue(),err.getvalue()
    return told

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
    command = [*before, sys.executable, '-c', ALONE, *map(os.fspath, argv)]
    try: p = subprocess.run(command, capture_output=True, preexec_fn=_limit, timeout=3*SECONDS)
    except subprocess.TimeoutExpired:
        told.crashed = f'it takes more than {3*SECONDS} s'
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
        lines = told.err.strip().splitlines()
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

    def run(self, folder):
        "Make the input, run the command: what it `Told`"
        world = World(folder)
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
        for want in self.wants:
            try: holds = want.holds(told, file)
            except Exception as e: return 'other', f'{type(e).__name__}: {e}'
            if holds: return want.word, ''
        wanted = ' or '.join(want.what for want in self.wants)
        return 'other', f'{_found(told, file)}; wanted: {wanted}'

    def _lost_good(self, told):
        "What happened to the good image; '' where it was done"
        good = told.of(told.world.inside/'good.png')
        if len(good)==1 and _is_done(good[0], N, 0): return ''
        return f'the good image: {_found(told, told.world.inside/"good.png")}'

def _found(told, file):
    "What a command told about `file`, in a few words"
    rows = told.of(file) if file else []
    kept = 'status','error','cells','flags','pixel_size_um'
    texts = [' '.join(f'{k}={r[k][:160]}' for k in kept if r.get(k)) for r in rows]
    name = f'{file.name[:40]!r} ' if file else ''
    said = told.err.strip()[-200:]
    return f'{name}{"; ".join(texts[:3]) or "no row"}; exit code {told.code}, said {said!r}'

KINDS = {}

def add(group, name, make, *wants, **options):
    assert name not in KINDS, name
    KINDS[name] = Kind(name, group, make, wants, **options)

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
LOSSY = dict(jpg=jpeg, jpe=partial(jpeg, progressive=True), jfif=partial(jpeg, subsampling=0), gif=partial(pillow, RGB, 'GIF'),
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

DEEP = dict(uint16=(0, 65535), int16=(-2000, 32000), uint32=(0, 2**31), int8=(-128, 127), float32=(0, 1), float64=(-5, 5),
    float16=(0, 1000), int32=(-10**6, 10**6), uint64=(0, 2**40))
for dtype,(low,high) in DEEP.items():
    add('files', f'deep_{dtype}', puts('bad.tif', lambda d=dtype, l=low, h=high: tiff(scaled(d, l, h))), about())
add('files', 'deep_12_bits_in_16', puts('bad.tif', lambda: tiff(scaled('uint16', 200, 4000))), about())
add('files', 'deep_png', puts('bad.png', lambda: png(scaled('uint16', 0, 65535))), about())
add('files', 'deep_png_colour', puts('bad.png', lambda: cv2.imencode('.png', RGB[...,::-1].astype(np.uint16)*257)[1].tobytes()), about())
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
add('files', 'alpha_tiff', puts('bad.tif', lambda: tiff(with_alpha(), photometric='rgb', extrasamples=['unassalpha'])), same())
add('files', 'premultiplied_tiff', puts('bad.tif', lambda: tiff(with_alpha(), photometric='rgb', extrasamples=['assocalpha'])), same())
add('files', 'infrared_tiff', puts('bad.tif', lambda: tiff(with_alpha(30), photometric='rgb', extrasamples=['unspecified'])), same())
add('files', 'planar_tiff', puts('bad.tif', lambda: tiff(np.moveaxis(RGB, -1, 0), photometric='rgb', planarconfig='separate')), same())
add('files', 'channels_first_tiff', puts('bad.tif', lambda: tiff(np.moveaxis(RGB, -1, 0), photometric='minisblack', metadata={})), same())

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
add('files', 'gif_of_frames', puts('bad.gif', lambda: pillow(image('L'), 'GIF', save_all=True, append_images=[image('L').rotate(90)])), about(pages=2))
add('files', 'webp_of_frames', puts('bad.webp', lambda: pillow(image('RGB'), 'WEBP', lossless=True, save_all=True,
    append_images=[image('RGB').rotate(90)])), about(pages=2))
add('files', 'apng_of_frames', puts('bad.png', lambda: png(image('RGB'), save_all=True, append_images=[image('RGB').rotate(90)])), about(pages=2), about())

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
        tif.write(RGB, photometric='rgb', metadata=None, tile=(64,64), description='Aperio Image Library v11\nMPP = 0.25')
        for name in 'label','macro': tif.write(GOOD, photometric='rgb', metadata=None, description=f'{name} 130x130')
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
for ending in 'PNG','TIF','JPG': add('files', f'upper_case_{ending}', puts(f'bad.{ending}', (WHOLE|LOSSY)[ending.lower()]), about())

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
for name,make in dict(deflate=DEFLATED, jpeg=partial(tiff, compression='jpeg'), tiles=partial(tiff, tile=(64,64), compression='lzw'),
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

STACKS = dict(pages=stack, compressed=partial(stack, compression='zlib'), imagej=lambda: imagej(np.stack([GREY]*3), 'ZYX'),
    ome=lambda: ome(np.stack([GREY]*3), 'ZYX'), gif=lambda: pillow(image('L'), 'GIF', save_all=True,
    append_images=[image('L').rotate(90), image('L').rotate(180)]))
for name,make in STACKS.items():
    ending = 'gif' if name=='gif' else 'tif'
    def cut_stack(w, make=make, ending=ending):
        data = make()
        for share in .3,.5,.8,.97: w.put(f'bad_{share*100:.0f}.{ending}', data[:int(share*len(data))])
    add('damage', f'cut_stack_{name}', cut_stack, pages_are_all_told(3))

NO_IMAGE = dict(empty=b'', text=b'Field 1: 120 cells\n', one_byte=b'\x89', zeros=bytes(5000), web_page=b'<!DOCTYPE html><title>404</title>',
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
add('damage', 'png_without_pixels', puts('bad.png', changed_chunks(lambda c: [x for x in c if x[0]!=b'IDAT'])), row('broken'))
add('damage', 'png_without_end', puts('bad.png', changed_chunks(lambda c: c[:-1])), same(), row('broken'))
add('damage', 'png_half_pixels', puts('bad.png', changed_chunks(lambda c: [(k, d[:len(d)//2] if k==b'IDAT' else d) for k,d in c])), row('broken'))
add('damage', 'png_of_no_width', puts('bad.png', changed_chunks(lambda c: [(b'IHDR', struct.pack('>2I', 0, SIDE)+c[0][1][8:]), *c[1:]])), row(BROKEN))
add('damage', 'png_of_unknown_depth', puts('bad.png', changed_chunks(lambda c: [(b'IHDR', c[0][1][:8]+b'\x07'+c[0][1][9:]), *c[1:]])), row(BROKEN))
add('damage', 'png_of_endless_chunk', puts('bad.png', lambda: png()[:33]+b'\xff\xff\xff\xffIDAT'+bytes(50)), row('broken'))
add('damage', 'png_deep_changed_byte', puts('bad.png', lambda: flipped(png(scaled('uint16', 0, 65535)), .5)), row(BROKEN))
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
add('damage', 'nan_in_tiff', puts('bad.tif', lambda: tiff(np.where(np.eye(SIDE)>0, np.float32('nan'), NAN))), row('nan|infinite'))
add('damage', 'infinite_in_tiff', puts('bad.tif', lambda: tiff(np.where(np.eye(SIDE)>0, np.float32('inf'), NAN))), row('nan|infinite'))
add('damage', 'all_nan', puts('bad.tif', lambda: tiff(np.full(GREY.shape, np.float32('nan')))), row('nan|infinite'))
add('damage', 'complex_numbers', puts('bad.tif', lambda: tiff(GREY.astype(np.complex64))), row('complex|real numbers'))
add('damage', 'constant_uint16', puts('bad.tif', lambda: tiff(np.full(GREY.shape, 900, np.uint16))), row('all are 900'), no_cells())
add('damage', 'constant_float', puts('bad.tif', lambda: tiff(np.zeros(GREY.shape, np.float32))), row('all are 0'), no_cells())
for h,w_ in (1,1),(1,200),(200,1),(2,2),(3,300),(8,8),(1,40_000):
    add('damage', f'size_{h}x{w_}', puts('bad.png', lambda h=h, w=w_: png(np.resize(RGB[:1], (h,w,3)))), no_cells(), row('small|size|px'))
    add('damage', f'size_{h}x{w_}_deep', puts('bad.tif', lambda h=h, w=w_: tiff(np.resize(scaled('uint16', 0, 60000)[:1], (h,w)))),
        no_cells(), row('small|size|px|all are'))

def raw_tiff(next_ifd=0, data=GREY.tobytes(), drop=(), **tags):
    "A grey TIFF of one strip, in which `tags`, named T and number, have other values"
    h,w = GREY.shape
    values = {256: w, 257: h, 258: 8, 259: 1, 262: 1, 273: 0, 277: 1, 278: h, 279: len(data)}
    values |= {int(k[1:]): v for k,v in tags.items()}
    values = {k: v for k,v in sorted(values.items()) if k not in drop}
    start = 8+2+12*len(values)+4
    if values.get(273)==0: values[273] = start
    entries = [struct.pack('<HHII', k, 4, 1, v) if isinstance(v, int) else struct.pack('<HHI4s', k, *v) for k,v in values.items()]
    return b'II*\0'+struct.pack('<IH', 8, len(values))+b''.join(entries)+struct.pack('<I', next_ifd)+data

ANY = BROKEN+r'|unknown|unsupported|compression|not \(H, W\)|channels|array|size|shape|decod|pixels|samples|offset|page'
RAW = dict(strip_too_long=dict(T279=10**6), strip_too_short=dict(T279=100), strip_of_nothing=dict(T279=0), strip_beyond_end=dict(T273=10**8),
    strip_in_header=dict(T273=4_000_000_000), unknown_compression=dict(T259=65000), zlib_of_nonsense=dict(T259=8), jpeg_of_nonsense=dict(T259=7),
    lzw_of_nonsense=dict(T259=5), old_jpeg_of_nonsense=dict(T259=6), no_width=dict(drop=(256,)), no_strips=dict(drop=(273,)), no_counts=dict(drop=(279,)),
    no_compression=dict(drop=(259,)), width_0=dict(T256=0), samples_0=dict(T277=0), samples_5=dict(T277=5),
    samples_many=dict(T277=65535), bits_0=dict(T258=0), bits_3000=dict(T258=3000), photometric_unknown=dict(T262=999),
    rows_per_strip_0=dict(T278=0), rows_per_strip_1=dict(T278=1), tag_of_huge_array=dict(T273=(4, 2**30, b'\x08\0\0\0')), predictor_9=dict(T317=9),
    sample_format_9=dict(T339=9), orientation_99=dict(T274=99), palette_without_colours=dict(T262=3), tag_type_99=dict(T305=(99, 1, b'abcd')),
    loop=dict(next_ifd=8), next_beyond_end=dict(next_ifd=4_000_000_000), next_in_pixels=dict(next_ifd=5000), planar_9=dict(T284=9))
for name,what in RAW.items():
    add('damage', f'tiff_{name}', puts('bad.tif', partial(raw_tiff, **what)), about(), row(ANY), about(pages=2))

XML = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">'
for i in range(9): XML += f'<!ENTITY {"abcdefghijk"[i+1]} "{("&"+"abcdefghijk"[i]+";")*10}">'
XML += ']><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image>&j;</Image></OME>'
add('damage', 'xml_bomb', puts('bad.ome.tif', lambda: tiff(description=XML)), same(), row('broken'))
add('damage', 'xml_file_of_the_system', puts('bad.ome.tif', lambda: tiff(description='<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM '
    '"file:///etc/passwd">]><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image>&a;</Image></OME>')), same(), row('broken'))
add('damage', 'xml_cut', puts('bad.ome.tif', lambda: tiff(description=ome(PLANES, 'CYX')[300:700].decode('latin1').encode('ascii', 'ignore'))), same(), row('broken'))
add('damage', 'ome_of_missing_files', puts('bad.ome.tif', lambda: ome(PLANES, 'CYX').replace(b'<TiffData', b'<TiffDat0')), same(), row(ANY), about(pages=3))
add('damage', 'ome_of_more_planes', puts('bad.ome.tif', lambda: ome(PLANES, 'CYX').replace(b'SizeZ="1"', b'SizeZ="9"')), row(ANY), same())
add('damage', 'imagej_of_more_planes', puts('bad.tif', lambda: imagej(np.stack([GREY]*3), 'ZYX').replace(b'images=3', b'images=9')), pages_are_all_told(9), about(pages=3))

# -------------------------------------------------------------------------------- bombs: small files of enormous pictures
HUGE = r'pixels|megapixel|too large|too many|[\d,.]+ ?(MB|GB|TB)|\d{4,} ?(x|by|×) ?\d{4,}'
def bomb(name, data, *wants, ending='png'):
    add('bombs', f'bomb_{name}', puts(f'bad.{ending}', data), row(HUGE), *wants, alone=True)

def zeros_png(h, w):
    "A grey PNG of zeros, made without having them all"
    line = bytes(w+1)
    piece = line*max(1, 2**22//len(line))
    z = zlib.compressobj(9)
    first = z.compress(piece)+z.flush(zlib.Z_FULL_FLUSH)
    again = z.compress(piece)+z.flush(zlib.Z_FULL_FLUSH)
    n = -(-h*(w+1)//len(piece))
    end = z.flush()[:-4]+struct.pack('>I', (n*len(piece)%65521)<<16 | 1)
    return png_of((b'IHDR', struct.pack('>2I5B', w, h, 8, 0, 0, 0, 0)), (b'IDAT', first+again*(n-1)+end), (b'IEND', b''))

def header_of(data, w, h): return data.replace(struct.pack('<2I', SIDE, SIDE), struct.pack('<2I', w, h), 1)

bomb('jpeg_header', lambda: _jpeg_sized(60_000, 60_000), ending='jpg')
bomb('png_header', lambda: png_of((b'IHDR', struct.pack('>2I5B', 10**6, 10**6, 8, 2, 0, 0, 0)), (b'IDAT', zlib.compress(bytes(1000))), (b'IEND', b'')))
bomb('png_zeros', lambda: zeros_png(60_000, 60_000))
bomb('gif_header', lambda: pillow(RGB, 'GIF')[:6]+struct.pack('<2H', 65535, 65535)+pillow(RGB, 'GIF')[10:], row(BROKEN), ending='gif')
bomb('bmp_header', lambda: header_of(pillow(RGB, 'BMP'), 10**5, 10**5), ending='bmp')
bomb('ppm_header', lambda: b'P6 100000 100000 255\n'+RGB.tobytes(), ending='ppm')
bomb('tiff_header', partial(raw_tiff, T256=10**5, T257=10**5), row(BROKEN), ending='tif')
bomb('tiff_width_2e31', partial(raw_tiff, T256=2**31, T257=2**31), row(BROKEN), ending='tif')
bomb('tiff_zlib', lambda: raw_tiff(data=zlib.compress(bytes(10**7)), T259=8, T256=10**5, T257=10**5), ending='tif')
bomb('tiff_tiles', lambda: tiff(np.zeros((64,64), np.uint8), tile=(64,64)).replace(struct.pack('<HHII', 256, 4, 1, 64), struct.pack('<HHII', 256, 4, 1, 2**20))
    .replace(struct.pack('<HHII', 257, 4, 1, 64), struct.pack('<HHII', 257, 4, 1, 2**20)), row(ANY), ending='tif')
bomb('jp2_header', lambda: jp2(codecformat='J2K').replace(struct.pack('>2I', SIDE, SIDE), struct.pack('>2I', 10**5, 10**5), 1), row(BROKEN), ending='j2k')
bomb('webp_header', lambda: b'RIFF'+struct.pack('<I', 100)+b'WEBPVP8X'+struct.pack('<I', 10)+b'\0\0\0\0'+b'\xff\xff\x00'+b'\xff\xff\x00'+bytes(60), row(BROKEN), ending='webp')
bomb('png_text', lambda: png_of(*list(chunks(png()))[:1], (b'zTXt', b'Comment\0\0'+zlib.compress(bytes(10**8))), *list(chunks(png()))[1:]), row(BROKEN), same())

@kind('bombs', row(HUGE+'|'+BROKEN), alone=True)
def bomb_sparse_file(w):
    path = w.put('bad.tif', raw_tiff(T257=2**29, T278=2**29, T279=200*2**29))
    os.truncate(path, 100*2**30)

@kind('bombs', row(HUGE+'|'+BROKEN), alone=True)
def bomb_sparse_png(w): os.truncate(w.put('bad.png'), 100*2**30)

@kind('bombs', row(HUGE+'|'+BROKEN), right(pages=1), alone=True)
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
def whole(within=2): return Want('right', lambda t,f: right(len(wide().cells), within).holds(t, f), 'all cells of the field')

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
    white_canvas=lambda a: framed(a, right=150, bottom=90, color=(255,255,255)), letterbox=lambda a: framed(a, top=60, bottom=60),
    white_bar=lambda a: written(framed(a, bottom=40, color=(255,255,255))), black_bar=lambda a: written(framed(a, bottom=40), color=(255,255,255)),
    grey_bar=lambda a: written(framed(a, bottom=40, color=(128,128,128))), green_canvas=lambda a: framed(a, left=100, color=(0,255,0)))
for name,change in FRAMES.items():
    add('fields', name, puts('bad.png', lambda c=change: png(c(np.asarray(wide().image)))), whole(), engine='model')
add('fields', 'round_field_black', puts('bad.png', lambda: png(rimmed((0,0,0)))), inside(), engine='model')
add('fields', 'round_field_brown', puts('bad.png', lambda: png(rimmed((60,40,25)))), inside(), engine='model')
add('fields', 'transparent_corners', puts('bad.png', lambda: png(np.dstack([wide().image, circle(260).astype(np.uint8)*255]))), inside(), engine='model')
add('fields', 'transparent_everywhere', puts('bad.png', lambda: png(with_alpha(0))), no_cells(), row('transparent|alpha'), engine='model')

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

EMPTY = dict(all_black=np.zeros((200,200,3), np.uint8), all_white=np.full((200,200,3), 255, np.uint8), all_grey=np.full((200,200,3), 128, np.uint8),
    all_pink=np.full((200,200,3), (240,210,220), np.uint8), gradient_of_light=gradient((120,)*3, (240,)*3), gradient_of_colour=gradient((240,200,200), (200,200,240)),
    gradient_from_black=gradient((0,)*3, (255,)*3), noise_weak=noise(3, 220), noise_medium=noise(20, 200), noise_strong=noise(60, 128),
    noise_grey=np.repeat(noise(20, 200, shape=(200,200,1)), 3, 2), noise_coarse=noise(20, 200, blur=2), noise_black_and_white=noise(10**6, 128),
    half_black=np.r_[np.zeros((100,200,3), np.uint8), np.full((100,200,3), 230, np.uint8)], noise_in_the_dark=noise(4, 6))
for name,a in EMPTY.items(): add('fields', name, puts('bad.png', partial(png, a)), no_cells(), engine='model')
add('fields', 'noise_deep', puts('bad.tif', lambda: tiff(noise(20, 3200, np.uint16, shape=(200,200)))), no_cells(), engine='model')
add('fields', 'noise_deep_coarse', puts('bad.tif', lambda: tiff(noise(20, 3200, np.uint16, 1.5, (200,200)))), no_cells(), engine='model')
add('fields', 'noise_in_jpeg', puts('bad.jpg', lambda: jpeg(noise(20, 200), quality=30)), no_cells(), engine='model')
add('fields', 'noise_classic', puts('bad.png', lambda: png(noise(20, 200))), no_cells())
add('fields', 'noise_deep_classic', puts('bad.tif', lambda: tiff(noise(20, 3200, np.uint16, shape=(200,200)))), no_cells())
add('fields', 'noise_beside_few_cells', lambda w: (w.put('noise.tif', tiff(noise(20, 3200, np.uint16, shape=(200,200)))),
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
    return Want('right', lambda t,f: right(None).holds(t, f) and abs(float(t.of(f)[0]['area_mean'])/px-1)<within, f'areas of {px} px')

for centre in 1,.6,.3,0: # case 19 of issue 19
    add('fields', f'discs_with_centre_{centre}', puts('bad.png', lambda c=centre: png(pale_discs(c))), area(1257, .03), engine='model')

PALE = lambda: np.asarray(smear((200,200), 12, 24., 0).image)[...,1]
add('fields', 'pale_smear', puts('bad.tif', lambda: tiff(PALE())), right(12, 1), engine='model')
add('fields', 'pale_smear_of_16_bits', puts('bad.tif', lambda: tiff(PALE().astype(np.uint16)*257)), right(12, 1), engine='model')
for diameter in 4,5000,10_000:
    add('fields', f'diameter_of_{diameter}', puts('bad.png', png), right(None), row('diameter|pixels|large'), line('diameter'), engine='model',
        options=('--diameter',str(diameter)), good=False)
for value in 'nan','inf','-5','0','forty','1e9','':
    add('fields', f'diameter_{value or "empty"}', puts('bad.png', png), check(lambda t: t.code==2 and '--diameter' in t.err and t.err.count('error')==1, 'line', 'a line with --diameter'),
        options=('--diameter',value))

# --------------------------------------------------------------------------------- sizes: what a file says of its pixels
CM = dict(resolutionunit='CENTIMETER')
def sized(size, *wants, **columns): return right(pixel_size_um=f'^{size}$', within=1, **columns)
SIZED = dict(tiff_cm=(lambda: tiff(resolution=(40_000,40_000), **CM), '0.25'), tiff_inch=(lambda: tiff(resolution=(101_600,101_600), resolutionunit='INCH'), '0.25'),
    tiff_300_dpi=(lambda: tiff(resolution=(300,300), resolutionunit='INCH'), ''), tiff_72_dpi=(lambda: tiff(resolution=(72,72), resolutionunit='INCH'), ''),
    tiff_without_unit=(lambda: tiff(resolution=(40_000,40_000), resolutionunit='NONE'), ''), tiff_of_no_resolution=(lambda: tiff(resolution=((0,1),(0,1)), **CM), ''),
    tiff_of_0_by_0=(lambda: tiff(resolution=((0,0),(0,0)), **CM), ''), tiff_absurd=(lambda: tiff(resolution=((2**32-1,1),(2**32-1,1)), **CM), ''),
    tiff_one_axis=(lambda: tiff(resolution=((40_000,1),(0,1)), **CM), '(0.25)?'), tiff_not_square=(lambda: tiff(resolution=(40_000,20_000), **CM), '0.353553'),
    tiff_unit_99=(lambda: raw_tiff(T296=99, T282=(5, 1, b'\x08\0\0\0'), T283=(5, 1, b'\x08\0\0\0')), ''),
    ome_um=(lambda: ome(PLANES, 'CYX', PhysicalSizeX=.25, PhysicalSizeY=.25), '0.25'),
    ome_nm=(lambda: ome(PLANES, 'CYX', PhysicalSizeX=250, PhysicalSizeY=250, PhysicalSizeXUnit='nm', PhysicalSizeYUnit='nm'), '0.25'),
    ome_pixel=(lambda: ome(PLANES, 'CYX', PhysicalSizeX=1, PhysicalSizeY=1, PhysicalSizeXUnit='pixel', PhysicalSizeYUnit='pixel'), ''),
    ome_0=(lambda: ome(PLANES, 'CYX', PhysicalSizeX=0, PhysicalSizeY=0), ''), ome_minus=(lambda: ome(PLANES, 'CYX', PhysicalSizeX=-.25, PhysicalSizeY=-.25), ''),
    ome_word=(lambda: ome(PLANES, 'CYX', PhysicalSizeX='nan', PhysicalSizeY='big'), ''), mpp=(lambda: tiff(description='Aperio Image Library\nx|MPP = 0.2500|y'), '0.25'),
    mpp_of_two_points=(lambda: tiff(description='Aperio Image Library\nx|MPP = 0.25.3|y'), ''), mpp_of_a_point=(lambda: tiff(description='Aperio\nMPP = .'), ''),
    mpp_enormous=(lambda: tiff(description='Aperio\nMPP = 99999'), ''), png_per_metre=(lambda: png(dpi=(101_600,101_600)), '0.25'), png_72_dpi=(lambda: png(dpi=(72,72)), ''),
    jpeg_96_dpi=(lambda: jpeg(dpi=(96,96)), ''), png_of_0_per_metre=(lambda: png_of(*list(chunks(png()))[:1], (b'pHYs', struct.pack('>2IB', 0, 0, 1)), *list(chunks(png()))[1:]), ''))
for name,(make,size) in SIZED.items(): add('sizes', f'size_{name}', puts('bad.tif', make), sized(size))
add('sizes', 'size_imagej_calibrated', puts('bad.tif', lambda: _calibrated()), sized('0.25', pixel_size_source='ImageJ'))
add('sizes', 'size_given_beats_the_file', puts('bad.tif', lambda: tiff(resolution=(40_000,40_000), **CM)), sized('0.3', pixel_size_source='given'), options=('--pixel-size','0.3'))
add('sizes', 'size_not_square_is_flagged', puts('bad.tif', SIZED['tiff_not_square'][0]), sized('0.353553', flags='pixels of'))
add('sizes', 'size_of_giants', puts('bad.png', png), check(lambda t: 'µm across' in t.err and all('µm across' in r['flags'] for r in t.rows), 'flag', 'a flag and a line'),
    options=('--pixel-size','6.5'))
add('sizes', 'size_of_dwarfs', puts('bad.png', png), check(lambda t: 'µm across' in t.err and all('µm across' in r['flags'] for r in t.rows), 'flag', 'a flag and a line'),
    options=('--pixel-size','0.01'))
for value in '0','-1','nan','inf','1e9','2,5','':
    add('sizes', f'size_option_{value or "empty"}', puts('bad.png', png), check(lambda t: t.code==2 and '--pixel-size' in t.err, 'line', 'a line with --pixel-size'),
        options=(f'--pixel-size={value}',))

def _calibrated():
    file = io.BytesIO()
    tifffile.imwrite(file, GREY, imagej=True, resolution=(4,4), metadata=dict(axes='YX', unit='um'))
    return file.getvalue()

@kind('sizes', check(lambda t: all(r['pixel_size_um']==dict(day1='0.25', day2='0.5').get(r['image'][:4], '') for r in t.rows), 'right', 'each image keeps its size'))
def size_of_another_day(w):
    "A later run with another size changes nothing of the first one's images"
    day1 = w.put('day1.png', png(RGB[::-1]))
    in_process(w, ['segment', day1, '--out', w.out, '--engine', 'classic', '--pixel-size', '.25'], 'classic')
    day1.unlink()
    w.made.clear()
    day2 = w.put('day2.png', png(np.rot90(RGB)))
    in_process(w, ['segment', day2, '--out', w.out, '--engine', 'classic', '--pixel-size', '.5'], 'classic')
    w.made.clear()

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
        with tempfile.TemporaryDirectory() as folder: outcomes[name],wrong = k.judge(k.run(folder))
        seconds = time.time()-started
        if wrong or seconds>3: print(f'{k.group}, {name} ({seconds:.1f} s): {wrong or "right, but slow"}', flush=True)
    print(table(outcomes))
    return sum(word=='other' for word in outcomes.values())

if __name__=='__main__': sys.exit(try_kinds(sys.argv[1:])>0)
