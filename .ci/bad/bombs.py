"Small files of enormous pictures"
import os, struct, zlib
from functools import partial
import numpy as np
from .kit import RGB, SIDE, about, add, kind, pillow, puts, right, row, same, tiff
from .files import jp2, png_of
from .damage import ANY, BROKEN, jpeg_sized, raw_tiff, with_chunk

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

def tiled_bomb():
    "A TIFF of one tile that says that it has 2**20 pixels a side"
    data = tiff(np.zeros((64,64), np.uint8), tile=(64,64))
    for tag in 256,257:
        data = data.replace(struct.pack('<HHII', tag, 4, 1, 64), struct.pack('<HHII', tag, 4, 1, 2**20))
    return data

bomb('jpeg_header', lambda: jpeg_sized(60_000, 60_000), ending='jpg')
bomb('png_header',
    lambda: png_of((b'IHDR', struct.pack('>2I5B', 10**6, 10**6, 8, 2, 0, 0, 0)),
        (b'IDAT', zlib.compress(bytes(1000))), (b'IEND', b'')))
bomb('png_zeros', lambda: zeros_png(60_000, 60_000))
bomb('gif_header', lambda: pillow(RGB, 'GIF')[:6]+struct.pack('<2H', 65535, 65535)+pillow(RGB, 'GIF')[10:],
    row(BROKEN), ending='gif')
bomb('tiff_header', partial(raw_tiff, T256=10**5, T257=10**5), row(BROKEN), ending='tif')
bomb('tiff_zlib', lambda: raw_tiff(data=zlib.compress(bytes(10**7)), T259=8, T256=10**5, T257=10**5),
    ending='tif')
bomb('tiff_tiles',
    lambda: tiled_bomb(), row(ANY), ending='tif')
bomb('jp2_header',
    lambda: jp2(codecformat='J2K').replace(struct.pack('>2I', SIDE, SIDE), struct.pack('>2I', 10**5, 10**5),
        1), row(BROKEN), ending='j2k')
bomb('webp_header',
    lambda: b'RIFF'+struct.pack('<I', 100)+b'WEBPVP8X'+struct.pack('<2I', 10, 0)+b'\xff\xff\0'*2+bytes(60),
    row(BROKEN), ending='webp')
bomb('png_text',
    lambda: with_chunk(b'zTXt', b'Comment\0\0'+zlib.compress(bytes(10**8))), row(BROKEN), same())

@kind('bombs', row(HUGE+'|'+BROKEN))
def bomb_sparse_file(w):
    path = w.put('bad.tif', raw_tiff(T257=33_000_000, T278=33_000_000, T279=2**32-1))
    os.truncate(path, 100*2**30)

@kind('bombs', row(HUGE+'|'+BROKEN))
def bomb_sparse_png(w): os.truncate(w.put('bad.png'), 100*2**30)

@kind('bombs', row(HUGE+'|'+BROKEN), right(pages=1), about())
def bomb_of_pages(w): w.put('bad.tif', raw_tiff(next_ifd=8))
