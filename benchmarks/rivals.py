"""Ways to single cells side by side: the same images, the same scores (evaluate), and seconds per 1024x1024; each as anyone would reasonably set it up.
usage: python benchmarks/rivals.py NAME=FOLDER... --out DIR [--model FILE] [--only watershed,ours] [--also cellpose=PREDICTIONS]
FOLDER is labelled, with images/, masks/ and cells.coco.json; PREDICTIONS is what `rbc-overlap evaluate` reads, such as label images by Cellpose or StarDist.
DIR gets NAME.csv and NAME.md, and what each rival found in NAME/RIVAL/, as `rbc-overlap segment` would write it. IoUs are those of the mask that the
cells make; components keep the model's. Numbers inside the rivals were chosen on simulated and validation images, never on gold.
silhouettes  by classic processing, or of the model's mask; all rivals are told the measured diameter d of a cell
watershed    of the distance to the background, h-maxima 0.75 px
Hough        circles in the smoothed green absorbance (cv2.HoughCircles), cut by the silhouette; a piece with one circle or none is one cell
concave      arcs of a silhouette's outline between its concave points, grouped while one ellipse explains them (cv2.fitEllipseDirect), as by
             Naruenatthanaset et al. (arXiv:2012.01321), who report 0.889 of overlapping cells separated; what no ellipse holds is a cell, if large
components   each piece of class rbc in the model's mask, parted by the overlaps, is a cell, with the overlaps that touch it
ours         cells.complete_cells on the model's mask"""
import argparse, json, time
from pathlib import Path
import cv2, numpy as np, pandas as pd
from rbc_overlap.cells import complete_cells, watershed_cells
from rbc_overlap.classic import DEBRIS, smooth
from rbc_overlap.core import OVERLAP, RBC, Cell, cell_area, cells_mask, coco, crop_cell, label_cells, number_clumps
from rbc_overlap.core import read_image, write_file, write_mask
from rbc_overlap.evaluate import evaluate
from rbc_overlap.folders import find_labels, pair_names
from rbc_overlap.light import absorbance
from rbc_overlap.scores import LEVELS, markdown
from rbc_overlap.segment import MODEL, Model, segment
from scipy import ndimage as ndi
from tqdm import tqdm

def pieces(where):
    "(box as slices, bool mask in it) of each connected piece"
    labels = cv2.connectedComponents(where.astype(np.uint8), connectivity=4)[1]
    return [(c.window, c.mask) for c in label_cells(labels)]

def moved(cell, y, x): return Cell(cell.y+y, cell.x+x, cell.mask)

# Hough circles
EDGE,VOTES,APART = 100, 14, .4 # upper threshold of the edges; votes that a circle needs; least distance of two, d

def circles(gray, d):
    "(x, y, radius) of the circles in `gray`"
    found = cv2.HoughCircles(gray, cv2.HOUGH_GRADIENT, 1, APART*d, param1=EDGE, param2=VOTES, minRadius=round(.35*d), maxRadius=round(.7*d))
    return [] if found is None else found.reshape(-1,3)

def hough(image, seg):
    "A disc for each circle in the green absorbance, cut by the silhouette; a piece with one circle or none is one cell"
    d,inside = seg.diameter,seg.mask>0
    green = smooth(absorbance(image), d)[...,1]
    found,out = circles(np.clip(170*green/np.median(green[inside]), 0, 255).astype(np.uint8), d),[]
    for (rows,columns),m in pieces(inside):
        own = [(x-columns.start, y-rows.start, r) for x,y,r in found if rows.start<=y<rows.stop and columns.start<=x<columns.stop]
        own = [c for c in own if m[int(c[1]), int(c[0])]]
        discs = [cv2.circle(np.zeros(m.shape, np.uint8), (round(16*x), round(16*y)), round(16*r), 1, -1, shift=4)>0 for x,y,r in own]
        cells = [disc & m for disc in discs] if len(discs)>1 else [m] if m.sum()>=DEBRIS*cell_area(d) else []
        out += [moved(crop_cell(c), rows.start, columns.start) for c in cells]
    return out

# concave points and ellipses
BEND,DEPTH,FIT,OUT = .12,.01,.015,.12 # d: reach of a concave point, its depth, mean distance of an arc from its ellipse; share of an ellipse outside

def outline(piece, d):
    "The outline of `piece`, closed, smoothed, (N, 2) x and y"
    contour = max(cv2.findContours(piece.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0], key=len).reshape(-1,2)
    return ndi.gaussian_filter1d(contour.astype(float), .04*d, axis=0, mode='wrap')

def concave_points(p, d):
    "Places in the outline `p` that lie deepest inside the chord between the points `BEND` before and after"
    k = max(round(BEND*d), 2)
    a,(x,y) = np.roll(p, k, 0),(np.roll(p, -k, 0)-np.roll(p, k, 0)).T
    depth = (x*(p-a)[:,1]-y*(p-a)[:,0])/np.maximum(np.hypot(x, y), 1e-6)*np.sign(cv2.contourArea(p.astype(np.float32), True))
    return np.flatnonzero((depth>=DEPTH*d) & (depth==ndi.maximum_filter1d(depth, 2*k+1, mode='wrap')))

def fit_ellipse(points, d):
    "(ellipse as OpenCV has it, mean distance of `points` from it), or (None, inf) where it is no cell"
    if len(points)<6: return None, np.inf
    (x,y),(w,h),angle = e = cv2.fitEllipseDirect(points.astype(np.float32))
    if not np.isfinite([x,y,w,h]).all() or min(w, h)<.5*d or max(w, h)>1.6*d: return None, np.inf
    c,s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    dx,dy = (points-(x,y)).T
    q = np.hypot((c*dx+s*dy)/(w/2), (c*dy-s*dx)/(h/2))
    return e, np.abs(q-1).mean()*np.sqrt(w*h)/2

def group(arcs, d):
    "Join the two arcs that one ellipse explains best, again and again, as long as one does; the ellipses"
    groups = [[a] for a in arcs]
    def cost(g): return fit_ellipse(np.vstack(g), d)[1]
    while len(groups)>1:
        tried = {(i,j): cost(groups[i]+groups[j]) for i in range(len(groups)) for j in range(i)}
        i,j = min(tried, key=tried.get)
        if tried[i,j]>FIT*d: break
        groups[j] += groups.pop(i)
    return [e for e,_ in (fit_ellipse(np.vstack(g), d) for g in groups) if e is not None]

def ellipse_mask(e, shape): return cv2.ellipse(np.zeros(shape, np.uint8), e, 1, -1)>0

def separate(piece, d, frame):
    "bool masks of the cells in one `piece`; arcs on the `frame` of the image belong to no cell"
    p = outline(piece, d)
    at = concave_points(p, d)
    if len(at)<2 and piece.sum()<1.5*cell_area(d): return [piece]
    arcs = np.split(np.roll(p, -at[0], 0), at[1:]-at[0]) if len(at) else [p]
    arcs = [a[~frame[tuple(a.round().astype(int).T[::-1])]] for a in arcs]
    cells = [ellipse_mask(e, piece.shape) for e in group([a for a in arcs if len(a)>=.25*d], d)]
    cells = [c for c in cells if (c & ~piece).sum()<=OUT*c.sum()]
    left = cv2.morphologyEx((piece & ~np.any([*cells, ~piece], 0)).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3,3), np.uint8))
    labels = cv2.connectedComponents(left)[1]
    return [c & piece for c in cells] + [labels==i for i,n in enumerate(np.bincount(labels.ravel())) if i and n>.3*cell_area(d)]

def concave(image, seg):
    "Cells of a silhouette by concave points and ellipses"
    d,inside,out = seg.diameter,seg.mask>0,[]
    frame = np.pad(np.zeros(np.array(inside.shape)-4, bool), 2, constant_values=True)
    for w,m in pieces(inside):
        if m.sum()<DEBRIS*cell_area(d): continue
        cells = separate(np.pad(m, 2), d, np.pad(frame[w], 2))
        out += [moved(c, w[0].start-2, w[1].start-2) for c in map(crop_cell, cells) if c.area]
    return out

# the others
def components(image, seg):
    "Pieces of class rbc, parted by the overlaps and a seam of `SEAM` around them, grown back over the seam, with the overlaps that touch them"
    rbc,overlap,r = seg.mask==RBC,(seg.mask==OVERLAP).astype(np.uint8),max(round(SEAM*seg.diameter), 1)
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2*r+1,)*2)
    seeds,lenses = [cv2.connectedComponents(m.astype(np.uint8), connectivity=4)[1] for m in (rbc & (cv2.dilate(overlap, disk)==0), overlap)]
    near = tuple(ndi.distance_transform_edt(seeds==0, return_distances=False, return_indices=True))
    grown,out = np.where(rbc, seeds[near], 0),[]
    least = DEBRIS*cell_area(seg.diameter)
    for i in np.flatnonzero(np.bincount(seeds.ravel())>=least/2)[1:]:
        touched = np.unique(lenses[cv2.dilate((seeds==i).astype(np.uint8), cv2.dilate(np.pad(disk, 1), np.ones((3,3), np.uint8)))>0])
        cell = (grown==i) | np.isin(lenses, touched[touched>0])
        if cell.sum()>=least: out.append(crop_cell(cell))
    return out

SEAM = .08 # d: two crescents meet at the tips of their overlap; this parts them

def watershed(image, seg): return watershed_cells(seg.mask)

def ours(image, seg): return complete_cells(seg.mask, guess=seg.diameter, candidates=seg.candidates)

RIVALS = {'watershed/classic': (watershed,'classic'), 'watershed/model': (watershed,'model'), 'Hough/classic': (hough,'classic'),
    'concave/classic': (concave,'classic'), 'concave/model': (concave,'model'), 'components/model': (components,'model'), 'ours/model': (ours,'model')}

def write(folder, name, mask, cells):
    "What `segment` writes of one image"
    write_mask(folder/f'{name}_mask.png', mask)
    write_file(folder/f'{name}_cells.json', json.dumps(coco([(cells, mask.shape, name)])))

def compete(folder, out, rivals, model):
    "Run `rivals` on all images of `folder`; predictions go to `out`; seconds per 1024x1024 of each engine and each rival"
    labels = find_labels(folder, 'masks')
    images,seconds,area = pair_names(labels.masks, labels.images, folder),dict.fromkeys([*rivals,'classic','model'], 0.),0
    def clock(what, f, *args, **kwargs):
        start = time.perf_counter()
        result = f(*args, **kwargs)
        seconds[what] += time.perf_counter()-start
        return result
    for name,file in tqdm(images.items(), Path(folder).name):
        if file is None: raise ValueError(f'{folder}/images: no image for {labels.masks[name]}')
        image = read_image(file)
        if not area: segment(image, model=model) # the first call loads libraries
        area += image.shape[0]*image.shape[1]
        seg = dict(classic=clock('classic', segment, image, 'classic'), model=clock('model', segment, image, model=model))
        write(out/'mask/model', name, seg['model'].mask, [])
        for r,(f,engine) in rivals.items():
            s = seg[engine]
            cells = number_clumps(clock(r, f, image, s), s.mask.shape) if s.diameter==s.diameter else []
            write(out/r, name, s.mask if f is components else cells_mask(cells, s.mask.shape), cells)
    return {k: s*2**20/area for k,s in seconds.items()}

def row(predicted, folder):
    "What is told of one rival"
    scores = evaluate(predicted, folder, progress=False)
    told,c = {f'{k} IoU': scores.table.loc['pooled',k] for k in ('bg','rbc')} | {'over IoU': scores.table.loc['mean','over']},scores.cells
    if c is None: return told
    told |= {f'F1 {v}': c[f'f1_{k}'] for k,v in LEVELS.items()} | {f'clump recall {LEVELS[k]}': c[f'clump_recall_{k}'] for k in (80,90)}
    return told | {'clump count exact': c['clump_count_exact'], 'area error': c['clump_area_abs_err'], 'image count error': c['image_count_mape']}

def table(folder, out, rivals, also, seconds):
    "A row per rival, as read from the files that it wrote"
    rows = {'mask/model': {k: v for k,v in row(out/'mask/model', folder).items() if 'IoU' in k} | {'s to segment': seconds['model']}}
    for r,(_,engine) in rivals.items(): rows[r] = row(out/r, folder) | {'s to segment': seconds[engine], 's to separate': seconds[r]}
    t = pd.DataFrame(rows | {n: row(p, folder) for n,p in also.items()}).T
    t.loc[t['over IoU']==0,'over IoU'] = np.nan
    return t[sorted(t, key=lambda c: c.startswith('s to'))]

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('folders', nargs='+', metavar='NAME=FOLDER')
    p.add_argument('--out', type=Path, required=True, metavar='DIR')
    p.add_argument('--model', type=Path, default=MODEL)
    p.add_argument('--only', default='', metavar='NAMES', help='rivals whose names start with one of these, with commas between')
    p.add_argument('--also', nargs='*', default=[], metavar='NAME=PREDICTIONS')
    args = p.parse_args()
    rivals = {r: f for r,f in RIVALS.items() if r.startswith(tuple(args.only.split(',')))}
    also,model = dict(a.split('=', 1) for a in args.also),Model(args.model)
    for name,_,folder in (f.partition('=') for f in args.folders):
        t = table(folder, args.out/name, rivals, also, compete(folder, args.out/name, rivals, model))
        n = len(find_labels(folder, 'masks').masks)
        write_file(args.out/f'{name}.csv', t.to_csv(float_format='%.4f'))
        text = f'{name}: {n} images. IoU of background and rbc pooled, of overlap the mean over images; seconds per 1024x1024.\n\n{markdown(t, 3)}'
        write_file(args.out/f'{name}.md', text)
        print(f'\n{text}')

if __name__=='__main__': main()
