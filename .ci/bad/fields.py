"Where the picture is, and pictures without any cell"
from functools import partial
import cv2, numpy as np
from .kit import RGB, Want, add, check, kind, line, no_cells, png, puts, right, row, smear, tiff
from .files import with_alpha

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
def whole(): return Want('right', lambda t,f: right(len(wide().cells), 2).holds(t, f), 'all cells of the field')

def inside(share=.96):
    "As many cells as have their middle in the disc"
    disc = circle(260, share)
    n = sum(bool(disc[c.y+c.mask.shape[0]//2, c.x+c.mask.shape[1]//2]) for c in wide().cells)
    return right(n, 3)

def rimmed():
    "A round field within black"
    disc = cv2.GaussianBlur(circle(260).astype(np.float32), (0,0), 4)[...,None]
    return (wide().image*disc).astype(np.uint8)

FRAMES = dict(
    black_frame=lambda a: framed(a, 30, 30, 30, 30),
    white_canvas=lambda a: framed(a, right=150, bottom=90, color=(255,255,255)),
    black_bar=lambda a: written(framed(a, bottom=40), color=(255,255,255)),
    green_canvas=lambda a: framed(a, left=100, color=(0,255,0)))
for name,change in FRAMES.items():
    add('fields', name, puts('bad.png', lambda c=change: png(c(np.asarray(wide().image)))), whole(),
        engine='model')
add('fields', 'round_field_black', puts('bad.png', lambda: png(rimmed())), inside(), engine='model')
add('fields', 'transparent_corners',
    puts('bad.png', lambda: png(np.dstack([wide().image, circle(260).astype(np.uint8)*255]))), inside(),
    engine='model')
add('fields', 'transparent_everywhere', puts('bad.png', lambda: png(with_alpha(0))), no_cells(),
    row('transparent|alpha'), engine='model')

def noise(sd, middle, dtype=np.uint8, blur=0, shape=(200,200,3)):
    a = np.random.default_rng(0).normal(0, 1, shape)
    if blur: a = cv2.GaussianBlur(a, (0,0), blur)
    a = middle+sd*a/a.std()
    return np.clip(a, 0, np.iinfo(dtype).max).astype(dtype)

def deep_noise(): return tiff(noise(20, 3200, np.uint16, shape=(200,200)))

def gradient(*colors):
    "From the first of `colors` above to the second one below"
    share = np.linspace(0, 1, 200)[:,None,None]
    return np.broadcast_to(np.float32(colors[0])*(1-share)+np.float32(colors[1])*share, (200,200,3)).astype(np.uint8)

def disc(side, radius, dark, light=230):
    a = np.full((side,side,3), light, np.uint8)
    return cv2.circle(a, (side//2,side//2), radius, (dark,)*3, -1)

EMPTY = dict(
    all_black=np.zeros((200,200,3), np.uint8),
    all_white=np.full((200,200,3), 255, np.uint8),
    gradient_of_colour=gradient((240,200,200), (200,200,240)),
    gradient_from_black=gradient((0,)*3, (255,)*3),
    noise_medium=noise(20, 200),
    half_black=np.r_[np.zeros((100,200,3), np.uint8), np.full((100,200,3), 230, np.uint8)],
    noise_in_the_dark=noise(4, 6))
for name,a in EMPTY.items(): add('fields', name, puts('bad.png', partial(png, a)), no_cells(), engine='model')
add('fields', 'noise_deep', puts('bad.tif', deep_noise),
    no_cells(), engine='model')
add('fields', 'noise_classic', puts('bad.png', lambda: png(noise(20, 200))), no_cells())
add('fields', 'noise_beside_few_cells',
    lambda w: (w.put('noise.tif', deep_noise()), w.put('few.png', png(disc(200, 12, 150)))),
    no_cells(), right(1), engine='model')

@kind('fields', right(10, 2), engine='model')
def cells_along_one_side(w):
    "Case 06 of issue 19: nothing in the middle and at the quarter points"
    a = np.full((640,640,3), np.median(RGB, (0,1)), np.uint8)
    low = smear((130,640), n=10, diameter=28.).image
    a += noise(1, 3, shape=a.shape)-3
    a[-130:] = low
    w.put('bad.png', png(a))

@kind('fields', right(30, 2), engine='model')
def long_strip(w):
    "Case 17 of issue 19: 40 times as long as high"
    w.put('bad.png', png(smear((60,2400), n=30, diameter=20.).image))

@kind('fields', right(None))
def tall_strip(w):
    "300 times as high as wide"
    w.put('bad.png', png(np.rot90(smear((40,12_000), n=20, diameter=18.).image)))

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

add('fields', 'discs_with_centre_0', puts('bad.png', lambda: png(pale_discs(0))), area(1257, .03),
    engine='model') # case 19 of issue 19

def pale(): return np.asarray(smear((200,200), 12, 24., 0).image)[...,1]
add('fields', 'pale_smear', puts('bad.tif', lambda: tiff(pale())), right(12, 1), engine='model')
add('fields', 'pale_smear_of_16_bits', puts('bad.tif', lambda: tiff(pale().astype(np.uint16)*257)),
    right(12, 1), engine='model')
add('fields', 'diameter_of_5000', puts('bad.png', png), right(None), row('diameter|pixels|large'), line('diameter'),
    engine='model', options=('--diameter','5000'), good=False)
for value in 'nan','-5','forty','':
    add('fields', f'diameter_{value or "empty"}', puts('bad.png', png),
        check(lambda t: t.code==2 and '--diameter' in t.err and t.err.count('error')==1, 'line',
            'a line with --diameter'), options=('--diameter',value))
