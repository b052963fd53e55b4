"Files that are cut or changed, or that are no image at all"
import struct
from functools import partial
import numpy as np
from rbc_overlap.core import TIFF_STARTS
from .kit import GREY, RGB, SIDE, Want, about, add, no_cells, pillow, png, puts, right, row, same, tiff
from .files import LOSSY, PLANES, WHOLE, image, imagej, jpeg, ome, png_of, scaled, stack

SHARES = .02,.6
def cuts(ending, make):
    "A `make` that cuts a file at several lengths"
    def put(w):
        data = make()
        for share in SHARES: w.put(f'bad_{share*100:.0f}.{ending}', data[:int(share*len(data))])
        w.put(f'bad_last.{ending}', data[:-1])
    return put

BROKEN = r'broken|cut|truncat|incomplete|no known image|not enough|end of|without a whole|empty|missing|\d bytes'
for ending,make in (WHOLE | LOSSY).items():
    if ending in ('svs','btf','qptiff'): continue # TIFFs, as those below
    wants = [row(BROKEN), same() if ending in WHOLE else about()]
    add('damage', f'cut_{ending}', cuts(ending, make), *wants)

DEFLATED = partial(tiff, compression='zlib')
CUT_TIFFS = dict(
    jpeg=partial(tiff, compression='jpeg'),
    tiles=partial(tiff, tile=(64,64), compression='lzw'),
    ome=lambda: ome(PLANES, 'CYX'),
    imagej=lambda: imagej(PLANES, 'CYX'),
    pillow=lambda: pillow(RGB, 'TIFF', compression='tiff_lzw'))
for name,make in CUT_TIFFS.items():
    add('damage', f'cut_tiff_{name}', cuts('tif', make), row(BROKEN), same(), about())

def pages_are_all_told(n):
    "Each of `n` pages is done or an error, or one row tells of the whole file"
    def holds(told, file):
        rows = told.of(file)
        if len(rows)<n and not (len(rows)>=1 and any(r['status']=='error' for r in rows)): return False
        return row(BROKEN).holds(told, file) or right(pages=n).holds(told, file)
    return Want('row', holds, f'rows of {n} pages, or of what is missing')

STACKS = dict(
    pages=stack,
    compressed=partial(stack, compression='zlib'),
    imagej=lambda: imagej(np.stack([GREY]*3), 'ZYX'),
    ome=lambda: ome(np.stack([GREY]*3), 'ZYX'),
    gif=lambda: pillow(image('L'), 'GIF', save_all=True,
        append_images=[image('L').rotate(90), image('L').rotate(180)]))
for name,make in STACKS.items():
    ending = 'gif' if name=='gif' else 'tif'
    def cut_stack(w, make=make, ending=ending):
        data = make()
        for share in .3,.97: w.put(f'bad_{share*100:.0f}.{ending}', data[:int(share*len(data))])
    add('damage', f'cut_stack_{name}', cut_stack, pages_are_all_told(3))

NO_IMAGE = dict(
    empty=b'',
    text=b'Field 1: 120 cells\n',
    zeros=bytes(5000),
    random=np.random.default_rng(0).bytes(5000))
for name,data in NO_IMAGE.items():
    add('damage', f'no_image_{name}', puts('bad.png', data), row(r'empty|text|no known image|broken'))
    if name in ('text','random'):
        add('damage', f'no_image_{name}_tif', puts('bad.tif', data), row(r'empty|text|no known image|broken'))
for start in TIFF_STARTS:
    add('damage', f'only_a_tiff_header_{start.hex()}', puts('bad.tif', start+bytes(40)),
        row('broken|whole page|no page|cut'))

def chunks(data):
    "(kind, data) of each chunk of a PNG"
    at = 8
    while at<len(data):
        n, = struct.unpack('>I', data[at:at+4])
        yield data[at+4:at+8],data[at+8:at+8+n]
        at += 12+n

def with_chunk(kind, data):
    "A PNG with one more chunk after its header"
    head,*rest = chunks(png())
    return png_of(head, (kind, data), *rest)

def changed_chunks(change): return lambda: png_of(*change(list(chunks(png()))))

def flipped(data, at, by=0x55):
    "`data` with one byte changed, at a share of its length"
    a = bytearray(data)
    a[int(at*len(a))] ^= by
    return bytes(a)

add('damage', 'png_changed_byte', puts('bad.png', lambda: flipped(png(), .5)),
    row(BROKEN+'|crc|zlib|decompress'))
add('damage', 'png_without_pixels',
    puts('bad.png', changed_chunks(lambda c: [x for x in c if x[0]!=b'IDAT'])), row('broken'))
add('damage', 'png_without_end', puts('bad.png', changed_chunks(lambda c: c[:-1])), same(), row('broken'))
add('damage', 'png_half_pixels',
    puts('bad.png', changed_chunks(lambda c: [(k, d[:len(d)//2] if k==b'IDAT' else d) for k,d in c])),
    row('broken'))
add('damage', 'png_of_no_width',
    puts('bad.png', changed_chunks(lambda c: [(b'IHDR', struct.pack('>2I', 0, SIDE)+c[0][1][8:]), *c[1:]])),
    row(BROKEN))
add('damage', 'png_of_endless_chunk', puts('bad.png', lambda: png()[:33]+b'\xff\xff\xff\xffIDAT'+bytes(50)),
    row('broken'))
add('damage', 'png_deep_cut', cuts('png', lambda: png(scaled('uint16', 0, 65535))), row(BROKEN), about())
add('damage', 'jpeg_with_more_behind', puts('bad.jpg', lambda: jpeg()+bytes(1000)), about())
add('damage', 'jpeg_without_tables', puts('bad.jpg', lambda: jpeg().replace(b'\xff\xdb', b'\xff\xfe')),
    row(BROKEN))
add('damage', 'jpeg_of_height_0', puts('bad.jpg', lambda: jpeg_sized(SIDE, 0)), row(BROKEN+'|size'))

def jpeg_sized(w, h):
    "A JPEG whose header says `w` by `h`"
    data = jpeg(subsampling=0)
    at = data.index(b'\xff\xc0')+5
    return data[:at]+struct.pack('>2H', h, w)+data[at+4:]

NAN = scaled('float32')
add('damage', 'nan_in_tiff', puts('bad.tif', lambda: tiff(np.where(np.eye(SIDE)>0, np.float32('nan'), NAN))),
    row('nan|infinite'))
add('damage', 'complex_numbers', puts('bad.tif', lambda: tiff(GREY.astype(np.complex64))),
    row('complex|real numbers'))
add('damage', 'constant_uint16', puts('bad.tif', lambda: tiff(np.full(GREY.shape, 900, np.uint16))),
    row('all are 900'), no_cells())
for h,w_ in (1,1),(3,300),(1,40_000):
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

ANY = BROKEN+r'|unknown|unsupported|compression|strip|XML|not \(H, W\)|channels|array|size|shape|decod'
ANY += '|pixels|samples|offset|page'
RAW = dict(
    strip_too_long=dict(T279=10**6),
    strip_beyond_end=dict(T273=10**8),
    unknown_compression=dict(T259=65000),
    zlib_of_nonsense=dict(T259=8),
    width_0=dict(T256=0),
    bits_3000=dict(T258=3000),
    rows_per_strip_0=dict(T278=0),
    tag_of_huge_array=dict(T273=(4, 2**30, b'\x08\0\0\0')),
    palette_without_colours=dict(T262=3),
    loop=dict(next_ifd=8),
    next_beyond_end=dict(next_ifd=4_000_000_000))
for name,what in RAW.items():
    add('damage', f'tiff_{name}', puts('bad.tif', partial(raw_tiff, **what)), about(), row(ANY),
        about(pages=2))

XML = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">'
for i in range(9): XML += f'<!ENTITY {"abcdefghijk"[i+1]} "{("&"+"abcdefghijk"[i]+";")*10}">'
XML += ']><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image>&j;</Image></OME>'
add('damage', 'xml_bomb', puts('bad.ome.tif', lambda: tiff(description=XML)), same(), row('broken|XML'))
add('damage', 'xml_file_of_the_system',
    puts('bad.ome.tif',
        lambda: tiff(description='<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM '
    '"file:///etc/passwd">]><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image>&a;</Image></OME>')),
    same(), row('broken|XML'))
add('damage', 'xml_cut',
    puts('bad.ome.tif',
        lambda: tiff(description=ome(PLANES, 'CYX')[300:700].decode('latin1').encode('ascii', 'ignore'))),
    same(), row('broken'))
add('damage', 'ome_of_missing_files',
    puts('bad.ome.tif', lambda: ome(PLANES, 'CYX').replace(b'<TiffData', b'<TiffDat0')), same(), row(ANY),
    about(pages=3))
add('damage', 'ome_of_more_planes',
    puts('bad.ome.tif', lambda: ome(PLANES, 'CYX').replace(b'SizeZ="1"', b'SizeZ="9"')), row(ANY), same())
add('damage', 'imagej_of_more_planes',
    puts('bad.tif', lambda: imagej(np.stack([GREY]*3), 'ZYX').replace(b'images=3', b'images=9')),
    pages_are_all_told(9), about(pages=3))
