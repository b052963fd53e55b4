"What a file or an option says of the size of pixels"
import io, struct
import numpy as np, tifffile
from .kit import GREY, RGB, add, check, kind, png, puts, right, segments, tiff
from .files import PLANES, ome
from .damage import with_chunk

CM = dict(resolutionunit='CENTIMETER')
def sized(size, *wants, **columns): return right(pixel_size_um=f'^{size}$', within=1, **columns)
def ome_sized(size, **units): return ome(PLANES, 'CYX', PhysicalSizeX=size, PhysicalSizeY=size, **units)

SIZED = dict(
    tiff_cm=(lambda: tiff(resolution=(40_000,40_000), **CM), '0.25'),
    tiff_300_dpi=(lambda: tiff(resolution=(300,300), resolutionunit='INCH'), ''),
    tiff_without_unit=(lambda: tiff(resolution=(40_000,40_000), resolutionunit='NONE'), ''),
    tiff_of_no_resolution=(lambda: tiff(resolution=((0,1),(0,1)), **CM), ''),
    tiff_absurd=(lambda: tiff(resolution=((2**32-1,1),(2**32-1,1)), **CM), ''),
    tiff_not_square=(lambda: tiff(resolution=(40_000,20_000), **CM), '0.353553'),
    ome_um=(lambda: ome_sized(.25), '0.25'),
    ome_nm=(lambda: ome_sized(250, PhysicalSizeXUnit='nm', PhysicalSizeYUnit='nm'), '0.25'),
    ome_pixel=(lambda: ome_sized(1, PhysicalSizeXUnit='pixel', PhysicalSizeYUnit='pixel'), ''),
    ome_word=(lambda: ome(PLANES, 'CYX', PhysicalSizeX='nan', PhysicalSizeY='big'), ''),
    mpp=(lambda: tiff(description='Aperio Image Library\nx|MPP = 0.2500|y'), '0.25'),
    png_per_metre=(lambda: png(dpi=(101_600,101_600)), '0.25'),
    png_of_0_per_metre=(lambda: with_chunk(b'pHYs', struct.pack('>2IB', 0, 0, 1)), ''))
for name,(make,size) in SIZED.items(): add('sizes', f'size_{name}', puts('bad.tif', make), sized(size))
add('sizes', 'size_imagej_calibrated', puts('bad.tif', lambda: calibrated()),
    sized('0.25', pixel_size_source='ImageJ'))
add('sizes', 'size_given_beats_the_file', puts('bad.tif', lambda: tiff(resolution=(40_000,40_000), **CM)),
    sized('0.3', pixel_size_source='given'), options=('--pixel-size','0.3'))
add('sizes', 'size_not_square_is_flagged', puts('bad.tif', SIZED['tiff_not_square'][0]),
    sized('0.353553', flags='pixels of'))
add('sizes', 'size_of_giants', puts('bad.png', png),
    check(lambda t: 'µm across' in t.err and all('µm across' in r['flags'] for r in t.rows), 'flag',
        'a flag and a line'), options=('--pixel-size','6.5'))
for value in '0','nan','2,5','':
    add('sizes', f'size_option_{value or "empty"}', puts('bad.png', png),
        check(lambda t: t.code==2 and '--pixel-size' in t.err, 'line', 'a line with --pixel-size'),
        options=(f'--pixel-size={value}',))

def calibrated():
    file = io.BytesIO()
    tifffile.imwrite(file, GREY, imagej=True, resolution=(4,4), metadata=dict(axes='YX', unit='um'))
    return file.getvalue()

def days_apart(told):
    "Does each image keep the size that was given with it?"
    given = dict(day1='0.25', day2='0.5')
    return all(r['pixel_size_um']==given.get(r['image'][:4], '') for r in told.rows)

@kind('sizes', check(days_apart), batch='')
def size_of_another_day(w):
    "A later run with another size changes nothing of the first one's images"
    day1 = w.put('day1.png', png(RGB[::-1]))
    segments(w, '--pixel-size', '.25', of=day1)
    day1.unlink()
    day2 = w.put('day2.png', png(np.rot90(RGB)))
    segments(w, '--pixel-size', '.5', of=day2)
    w.made.clear()
