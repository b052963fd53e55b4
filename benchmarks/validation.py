"""Truth for validation: the silhouette of every clump explained by ellipses, started from hand-set points or boxes.
usage: python benchmarks/validation.py DATA --out FOLDER [--slides 5,10,15] [--every N] [--scale S] [--model FILE]
DATA holds images/ and, where there are: slides.csv (image, slide); points.csv (image, x, y), or boxes.csv (image, xmin, ymin, xmax, ymax,
label: rbc or wbc; or image, class, x, y, width, height)"""
import argparse, json, shutil
from pathlib import Path
import cv2, numpy as np, pandas as pd
from rbc_overlap.cells import drop_specks, summits
from rbc_overlap.classic import find_objects, smooth
from rbc_overlap.core import UNKNOWN, cells_mask, coco, crop_cell, depth, read_image, round_kernel, to_png, write_file, write_mask
from rbc_overlap.light import absorbance
from rbc_overlap.segment import Model, doubted, segment
from scipy import ndimage as ndi
from scipy.optimize import least_squares
from scipy.special import expit
from tqdm import tqdm

CORNERS = ['xmin','ymin','xmax','ymax']

# an ellipse is (x, y, a, b, c): q = |[[a b] [b c]] (pixel - (x, y))| is 1 on its edge; all in units of a typical radius
def distance(p, xy):
    "q of each of `p` (n, 5) at each of `xy` (2, N): (n, N), and its derivatives (n, 5, N)"
    x,y,a,b,c = p.T[...,None]
    dx,dy = xy[0]-x, xy[1]-y
    u,v = a*dx+b*dy, b*dx+c*dy
    q = np.sqrt(u*u+v*v)+1e-6
    return q, np.stack([-(u*a+v*b), -(u*b+v*c), u*dx, u*dy+v*dx, v*dy], 1)/q[:,None]

def weights(n, hold, pin):
    "How strongly each number of `n` ellipses is held at its start: `pin` for places, `hold` for shapes"
    return np.tile(np.r_[pin, pin, hold*np.r_[1, 2**.5, 1]], n)

def residuals(p, start, xy, inside, soft, w):
    "Soft union of the ellipses minus `inside`, then the weak pull `w` to those of `start`"
    q,_ = distance(p.reshape(-1, 5), xy)
    union = 1-np.prod(1-expit((1-q)/soft), 0)
    return np.r_[union-inside, (p-start)*w]

def jacobian(p, start, xy, inside, soft, w):
    "Derivatives of `residuals`"
    q,slope = distance(p.reshape(-1, 5), xy)
    on = expit((1-q)/soft)
    free = np.prod(1-on, 0)
    union = -(on*free/soft)[:,None]*slope
    return np.concatenate([union.reshape(len(p), -1).T, np.diag(w)])

def fit(start, xy, inside, radius, hold, pin):
    "Least squares by Levenberg and Marquardt from the ellipses `start`, softness 2 px, then 0.7 px"
    first = start.ravel()
    p,w = first,weights(len(start), hold, pin)
    for soft in (2/radius, .7/radius):
        given = first,xy,inside,soft,w
        p = least_squares(residuals, p, jacobian, method='lm', ftol=1e-4, max_nfev=100, args=given).x
    return p.reshape(-1, 5)

def axes(p, radius):
    "(x, y, larger and smaller half axis, angle) of ellipses `p` in px and radians"
    w,v = np.linalg.eigh(p[:,[2,3,3,4]].reshape(-1,2,2))
    order = np.abs(w).argsort(1)
    w,v = np.take_along_axis(np.abs(w), order, 1), np.take_along_axis(v, order[:,None,:], 2)
    return np.c_[p[:,:2], 1/w, np.arctan2(v[:,1,0], v[:,0,0])/radius]*radius

def draw(ellipse, shape):
    "bool, (H, W): inside the ellipse (x, y, a, b, angle), half a pixel larger, as the gold truth draws it"
    x,y,a,b,t = ellipse
    dy,dx = np.arange(shape[0])[:,None]-y, np.arange(shape[1])-x
    return ((dx*np.cos(t)+dy*np.sin(t))/(a+.5))**2 + ((dy*np.cos(t)-dx*np.sin(t))/(b+.5))**2 <= 1

def explain(piece, starts, radius, hold=20, pin=0):
    "Ellipses (n, 5) that explain `piece`, bool (H, W), from `starts` (n, 4: x, y, half axes along x and y), and their IoU with it"
    band = cv2.dilate(piece.astype(np.uint8), round_kernel(8)) > 0
    y,x = np.nonzero(band)
    xy,s,inside = np.float32([x, y])/np.float32(radius), np.float32(starts/radius), piece[band].astype(np.float32)
    some = (x+2*y)%(len(x)//10_000+1)==0 # a lattice where the clump is large
    p = fit(np.c_[s[:,:2], 1/s[:,2], 0*s[:,0], 1/s[:,3]], xy[:,some], inside[some], radius, hold, pin)
    union = (distance(p, xy)[0]<=1).any(0)
    return axes(p, radius), (union & piece[band]).sum()/(union | piece[band]).sum()

def plausible(e, radius, area, ratio):
    "Are the areas, in typical cells, and the axis ratios of ellipses `e` those of cells?"
    size = e[:,2]*e[:,3]/radius**2
    return size.min()>area[0] and size.max()<area[1] and (e[:,3]/e[:,2]).min()>ratio

def seen(e):
    "Share of the outline of each of `e` that no other covers, and the largest share of it that one other covers"
    t = np.linspace(0, 2*np.pi, 72, endpoint=False)
    x,y,a,b,turn = e.T[...,None]
    u,v = a*np.cos(t), b*np.sin(t)
    X,Y = x+u*np.cos(turn)-v*np.sin(turn), y+u*np.sin(turn)+v*np.cos(turn)
    dx,dy,c,s = X[:,None]-x, Y[:,None]-y, np.cos(turn), np.sin(turn)
    inside = ((dx*c+dy*s)/a)**2+((dy*c-dx*s)/b)**2 < 1-1e-6
    inside[np.arange(len(e)),np.arange(len(e))] = False
    return 1-inside.any(1).mean(1), inside.mean(2).max(1)

def given(piece, starts, radius, boxes):
    "(ellipses, IoU) from hand-set `starts`; None where they don't explain `piece`"
    least = .94 if boxes else .95
    for hold,least in ((20,least), (10,least+.01)):
        e,iou = explain(piece, starts, radius, hold, 10*boxes)
        if iou>=least and plausible(e, radius, (.3, 2), .45): return e,iou

def automatic(piece, radius, least=.965, gain=.012):
    "(ellipses, IoU) from the maxima of the distance to the edge: the fewest that explain `piece` and show enough of themselves; or None"
    height = depth(np.pad(piece, 1).astype(np.uint8))[1:-1,1:-1]
    best,n = None,1
    for h in (2,.75,.3):
        marks = drop_specks(summits(height, h), height)
        at = np.array(ndi.center_of_mass(marks>0, marks, np.unique(marks[marks>0])))[:,::-1]
        if len(at)<=n: continue
        n = len(at)
        e,iou = explain(piece, np.c_[at, np.full((n,2), radius)], radius)
        outline,most = seen(e)
        if iou>=least and plausible(e, radius, (.5, 1.6), .55) and outline.min()>.35 and most.max()<.38 and (not best or iou>best[1]+gain): best = e,iou
    return best

def point_starts(points, radius):
    "Starts at points, and the points"
    at = points[['x','y']].to_numpy(float)
    return np.c_[at, np.full((len(at),2), radius)], at

def box_starts(boxes, radius, shape):
    "Starts from boxes, those that the frame cuts made as wide as a cell; and the middle of what is seen of them"
    b,size = boxes[CORNERS].to_numpy(float),np.array(shape[1::-1])
    lo,hi = b[:,:2],b[:,2:]
    low,high = np.where(lo<2, np.minimum(lo, hi-2*radius), lo), np.where(hi>size-2, np.maximum(hi, lo+2*radius), hi)
    return np.c_[low+high, high-low]/2, (lo+hi)/2

def box_diameter(boxes, shape):
    "That of the cells whose boxes the frame doesn't cut; None where it cuts all"
    b = boxes[(boxes.xmin>2) & (boxes.ymin>2) & (boxes.xmax<shape[1]-2) & (boxes.ymax<shape[0]-2)]
    return float(np.sqrt((b.xmax-b.xmin)*(b.ymax-b.ymin)).median()) if len(b) else None

def boxed(start, t, shape):
    "Is the box of a start that of the object in row `t`?"
    lo,hi = np.maximum(start[:2]-start[2:], 0), np.minimum(start[:2]+start[2:], shape[::-1])
    both = np.clip(np.minimum(hi, [t.x+t.w, t.y+t.h])-np.maximum(lo, [t.x, t.y]), 0, None).prod()
    return both > .7*((hi-lo).prod()+t.w*t.h-both)

def may_be_two(piece, radius):
    "Is `piece` as large and as long as two cells that lie closely on each other? Classic may take those for one"
    size,c = piece.sum()/(np.pi*radius**2), np.linalg.eigvalsh(np.cov(np.nonzero(piece)))
    return size>1.25 and (c[1]/c[0])**.5 > 1+.6*(size-1)

def judge(t, piece, starts, radius, boxes):
    "(how, ellipses or None, IoU) of a row of `find_objects`' table: free, hand-set, automatic, cut by the frame or unexplained"
    if boxes and not len(starts): return 'without a box', None, 0.
    one = boxes and len(starts)==1 and boxed(starts[0], t, piece.shape)
    if one or (t.kind=='free' and len(starts)<2 and not may_be_two(piece, radius)): return 'free', None, 1.
    y,x = max(t.y-12, 0), max(t.x-12, 0)
    part,shift = piece[y:t.y+t.h+12,x:t.x+t.w+12],np.array([x, y, 0, 0, 0])
    found = None
    if boxes or (len(starts)>1 and not t.cut): found = given(part, starts-shift[:4], radius, boxes)
    how = 'hand-set' if found else 'automatic'
    if not found and not t.cut: found = automatic(part, radius)
    if not found: return 'cut by the frame' if t.cut and not boxes else 'unexplained', None, 0.
    return how, found[0]+shift, found[1]

def white_cells(image, o, boxes, red):
    "The white cells in `boxes` (n, 4) that touch nothing `red`, bool (H, W): what is stained in the ellipse of each box"
    stained = smooth(absorbance(image), o.diameter).sum(2) > .25*o.level.sum()
    found = []
    for b in boxes:
        place = draw([*(b[:2]+b[2:])/2, *(b[2:]-b[:2])*.53, 0], red.shape)
        if red[cv2.dilate(place.astype(np.uint8), round_kernel(2))>0].any(): continue
        mask = cv2.morphologyEx((stained & place).astype(np.uint8), cv2.MORPH_CLOSE, round_kernel(.15*o.diameter))
        whole = ndi.binary_fill_holes(mask)
        if whole.sum()>.6*place.sum(): found.append(crop_cell(whole))
    return found

def truth(image, hints, boxes):
    "(mask, cells, white cells, a row for each object of what was made of it) of `image` from `hints`: rows of points.csv or boxes.csv"
    white = hints.loc[hints.label=='wbc', CORNERS].to_numpy() if boxes else []
    hints = hints[hints.label=='rbc'] if boxes else hints
    o = find_objects(image, diameter=box_diameter(hints, image.shape) if boxes else None)
    shape,r = o.labels.shape,o.diameter/2
    if not r==r: return np.full(shape, UNKNOWN, np.uint8), [], [], []
    unknown,wbc,mask,cells,rows = *np.zeros((3,*shape), np.uint8), [], []
    for b in white:
        x,y,X,Y = b.round().astype(int)
        unknown[y:Y,x:X] = 1
        wbc |= draw([*(b[:2]+b[2:])/2, *(b[2:]-b[:2])/2, 0], shape)
    unknown[o.labels>0] = 0
    starts,seen = box_starts(hints, r, shape) if boxes else point_starts(hints, r)
    at = o.labels[tuple(np.clip(seen.round().astype(int), 0, np.array(shape[::-1])-1).T[::-1])]
    objects = [t for t in o.table.itertuples() if t.kind!='debris' and wbc[o.labels==t.label].mean()<.5]
    for x,y,a,b in starts[~np.isin(at, [t.label for t in objects])]: unknown |= draw((x, y, a, b, 0), shape) # a cell that classic missed
    for t in objects:
        piece = (o.labels==t.label) & (wbc==0)
        how,e,iou = judge(t, piece, starts[at==t.label], r, boxes)
        own = [crop_cell(draw(x, shape)) for x in e] if e is not None else [crop_cell(piece)] if how=='free' else []
        rows.append(dict(how=how, n=len(own), iou=iou, overlap=int((cells_mask(own, shape)==2).sum())))
        for i,c in enumerate(own):
            c.score,c.clump,c.n_in_clump = iou,len(rows)*(how!='free'),len(own)
            c.ellipse = e[i].round(2).tolist() if e is not None else None
        if not own: unknown |= piece
        mask,cells = np.maximum(mask, cells_mask(own, shape)),cells+own
    unknown[wbc>0] = 0
    red = (mask>0) | np.isin(o.labels, [t.label for t in objects])
    return np.where(mask | ~(unknown>0), mask, UNKNOWN).astype(np.uint8), cells, white_cells(image, o, white, red), rows

def read_hints(data, scale):
    "(hints, are they boxes?): points or boxes in px of images reduced by `scale`; none where `data` has neither"
    if (data/'points.csv').exists():
        points = pd.read_csv(data/'points.csv')
        return points.assign(x=points.x*scale, y=points.y*scale), False
    if not (data/'boxes.csv').exists(): return pd.DataFrame(columns=['image','x','y']), False
    boxes = pd.read_csv(data/'boxes.csv')
    if 'class' in boxes:
        boxes = boxes.assign(label=np.where(boxes['class']=='rbc', 'rbc', 'wbc'), xmin=boxes.x, ymin=boxes.y)
        boxes = boxes.assign(xmax=boxes.x+boxes.width, ymax=boxes.y+boxes.height)
    boxes[CORNERS] *= scale
    return boxes, True

def by_background(data, names, n=24):
    "For each image the number of a group of like backgrounds: what stands in for slides that nobody wrote down"
    colours = np.float32([np.percentile(read_image(data/'images'/name)[::4,::4].reshape(-1, 3), 85, axis=0) for name in names])
    cv2.setRNGSeed(0)
    _,groups,_ = cv2.kmeans(colours, min(n, len(names)), None, (3,100,.1), 3, cv2.KMEANS_PP_CENTERS)
    return [f'{data.name}{i:02d}' for i in groups.ravel()]

def find_images(data, slides, every):
    "Table of images and slides: those of `slides`, or every so many"
    if (data/'slides.csv').exists(): table = pd.read_csv(data/'slides.csv')
    else:
        names = sorted(f.name for f in (data/'images').iterdir())
        table = pd.DataFrame(dict(image=names, slide=by_background(data, names)))
    if slides is not None: table = table[table.slide.isin(slides)]
    return table[1::every] if every>1 else table

def reduced_image(source, scale, to):
    "The image in `source`, reduced by `scale` and written to `to`"
    if scale==1:
        if not to.exists(): shutil.copy(source, to)
        return read_image(source)
    image = cv2.resize(np.asarray(read_image(source)), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    write_file(to, to_png(image))
    return image

def build(data, out, slides=None, model=None, scale=1., every=1):
    "Write the labelled folder `out` for the images in `data`; a row per object"
    data,out = Path(data),Path(out)
    hints,boxes = read_hints(data, scale)
    table = find_images(data, slides, every)
    for d in ('images','masks'): (out/d).mkdir(parents=True, exist_ok=True)
    images,rows,about,written = [],[],[],[]
    for name in tqdm(table.image):
        new = name if scale==1 else f'{Path(name).stem}.png'
        image = reduced_image(data/'images'/name, scale, out/'images'/new)
        mask,cells,white,found = truth(image, hints[hints.image==name], boxes)
        write_mask(out/'masks'/f'{Path(name).stem}_mask.png', doubted(mask, segment(image, model=model).mask) if model else mask)
        images.append((cells+white, mask.shape, new))
        written.append(new)
        about += [dict(freestanding=not c.clump, **(dict(ellipse=c.ellipse) if c.ellipse else {})) for c in cells]
        about += len(white)*[dict(category_id=2)]
        rows += [dict(image=name, **r) for r in found]
    table = table.assign(image=written)
    d = coco(images, description='ellipses fitted to silhouettes by benchmarks/validation.py')
    d['categories'].append(dict(id=2, name='wbc'))
    for a,more in zip(d['annotations'], about): a |= more
    write_file(out/'cells.coco.json', json.dumps(d))
    write_file(out/'slides.csv', table.to_csv(index=False))
    return pd.DataFrame(rows)

if __name__=='__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('data'); p.add_argument('--out', required=True)
    p.add_argument('--slides', type=lambda s: [int(x) for x in s.split(',')], help='default: all')
    p.add_argument('--every', type=int, default=1, help='take every N-th image, from the second one on')
    p.add_argument('--scale', type=float, default=1., help='reduce the images by it, so that cells are about 45 px across')
    p.add_argument('--model', type=Path, help='for masks to train on: cells in which this model sees an overlap become unknown')
    args = p.parse_args()
    cv2.setNumThreads(1)
    np.seterr(over='ignore', invalid='ignore') # a fit that runs away is refused by its IoU
    rows = build(args.data, args.out, args.slides, args.model and Model(args.model), args.scale, args.every)
    print(rows.groupby('how').agg(objects=('n','size'), cells=('n','sum'), overlap_px=('overlap','sum'), iou=('iou','median')).round(3).to_string())
    print((rows.groupby('image').overlap.sum()>=200).sum(), 'of', rows.image.nunique(), 'images have 200 overlap px or more')
