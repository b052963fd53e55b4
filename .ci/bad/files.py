"Whole files of all formats, depths, colours and layouts"
import io, struct, zlib
from functools import partial
import cv2, imagecodecs, numpy as np, tifffile
from PIL import Image
from .kit import GOOD, GREY, RGB, about, add, kind, pillow, png, puts, same, tiff

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

WHOLE = dict(
    png=png,
    bmp=partial(pillow, RGB, 'BMP'),
    webp=partial(pillow, RGB, 'WEBP', lossless=True),
    jp2=jp2,
    jxl=jxl,
    tif=tiff,
    svs=partial(tiff, tile=(64,64)),
    btf=partial(tiff, bigtiff=True, byteorder='>'),
    qptiff=partial(tiff, compression='zlib', predictor=True))
LOSSY = dict(
    jpg=jpeg,
    gif=partial(pillow, RGB, 'GIF'),
    avif=avif,
    jxr=jxr,
    pgm=partial(pillow, GREY, 'PPM'),
    j2k=partial(jp2, codecformat='J2K'),
    mpo=partial(pillow, RGB, 'MPO', quality=95))
for ending,make in WHOLE.items(): add('files', f'whole_{ending}', puts(f'bad.{ending}', make), same())
for ending,make in LOSSY.items(): add('files', f'whole_{ending}', puts(f'bad.{ending}', make), about())

for how in 'lzw jpegxl jpeg2000'.split():
    lossless = dict(compressionargs=dict(lossless=True)) if how in ('jpegxl','webp') else {}
    if how=='jpeg2000': lossless = dict(compressionargs=dict(level=0))
    add('files', f'tiff_{how}', puts('bad.tif', partial(tiff, compression=how, **lossless)), same())
add('files', 'tiff_jpeg', puts('bad.tif', partial(tiff, compression='jpeg')), about())

def scaled(dtype, low=0, high=1):
    "The plain image with values from `low` to `high`"
    return (GREY/255*(high-low)+low).astype(dtype)

DEEP = dict(
    uint16=(0, 65535),
    int8=(-128, 127),
    float32=(0, 1))
for dtype,(low,high) in DEEP.items():
    add('files', f'deep_{dtype}', puts('bad.tif', lambda d=dtype, l=low, h=high: tiff(scaled(d, l, h))),
        about())
add('files', 'deep_12_bits_in_16', puts('bad.tif', lambda: tiff(scaled('uint16', 200, 4000))), about())
add('files', 'deep_png_colour',
    puts('bad.png', lambda: cv2.imencode('.png', RGB[...,::-1].astype(np.uint16)*257)[1].tobytes()), about())
add('files', 'deep_jxl', puts('bad.jxl', lambda: jxl(RGB.astype(np.uint16)*257)), about())

def with_alpha(alpha=255): return np.dstack([RGB, np.full(GREY.shape, alpha, np.uint8)])
def image(mode): return Image.fromarray(RGB).convert(mode)
def palette(): return Image.fromarray(RGB).quantize(256)

add('files', 'palette_png', puts('bad.png', lambda: png(palette())), about())
add('files', 'grey_alpha_png', puts('bad.png', lambda: png(image('LA'))), about())
add('files', 'opaque_alpha_png', puts('bad.png', lambda: png(with_alpha())), same())
add('files', 'cmyk_jpeg', puts('bad.jpg', lambda: pillow(image('CMYK'), 'JPEG', quality=95)), about())
add('files', 'lab_tiff', puts('bad.tif', lambda: pillow(image('LAB'), 'TIFF')), about())
add('files', 'ycbcr_tiff', puts('bad.tif', lambda: pillow(image('YCbCr'), 'TIFF')), about())
add('files', 'interlaced_png', puts('bad.png', lambda: interlaced()), about())
add('files', 'white_is_zero_tiff', puts('bad.tif', lambda: tiff(255-GREY, photometric='miniswhite')), about())
add('files', 'alpha_tiff',
    puts('bad.tif', lambda: tiff(with_alpha(), photometric='rgb', extrasamples=['unassalpha'])), same())
add('files', 'infrared_tiff',
    puts('bad.tif', lambda: tiff(with_alpha(30), photometric='rgb', extrasamples=['unspecified'])), same())
add('files', 'planar_tiff',
    puts('bad.tif', lambda: tiff(np.moveaxis(RGB, -1, 0), photometric='rgb', planarconfig='separate')),
    same())
add('files', 'channels_first_tiff',
    puts('bad.tif', lambda: tiff(np.moveaxis(RGB, -1, 0), photometric='minisblack', metadata={})), same())

def interlaced():
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
add('files', 'ome_zcyx', puts('bad.ome.tif', lambda: ome(np.stack([PLANES]*2), 'ZCYX')), same(pages=2))
add('files', 'ome_tzyx', puts('bad.ome.tif', lambda: ome(np.stack([[GREY]*2]*2), 'TZYX')), about(pages=4))
add('files', 'imagej_composite', puts('bad.tif', lambda: imagej(PLANES, 'CYX', mode='composite')), same())
add('files', 'imagej_stack_of_composites', puts('bad.tif', lambda: imagej(np.stack([PLANES]*2), 'ZCYX')),
    same(pages=2))
add('files', 'stack_of_pages', puts('bad.tif', stack), same(pages=3))
add('files', 'gif_of_frames',
    puts('bad.gif', lambda: pillow(image('L'), 'GIF', save_all=True, append_images=[image('L').rotate(90)])),
    about(pages=2))
add('files', 'apng_of_frames',
    puts('bad.png', lambda: png(image('RGB'), save_all=True, append_images=[image('RGB').rotate(90)])),
    about(pages=2), about())

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

for orientation in (5,6):
    add('files', f'exif_turned_{orientation}', puts('bad.jpg', partial(turned, orientation)),
        about(flags='turned'))

WRONG = dict(
    png='jpg',
    tif='png',
    jxl='tif')
for ending,other in WRONG.items():
    make = (WHOLE | LOSSY)[ending]
    add('files', f'{ending}_called_{other}', puts(f'bad.{other}', make), about())
add('files', 'upper_case', puts('bad.TIF', tiff), about())
