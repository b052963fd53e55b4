"""Ways in which a network can see whole cells, each as a head of one network: trained on the same windows (synthesis.Scenes) in the same steps from the
same weights, and with the same share of its gradient in the layers below, so that what is compared is the head. Small versions of our own.
usage: python benchmarks/heads.py TRAINING... --base MODEL --on NAME=FOLDER... --out DIR [--epochs 12] [--windows 1280] [--seed 4]
TRAINING folders and FOLDERs are labelled. DIR gets heads.pt, which is not trained again if it is there, NAME.csv and NAME.md, and what each head found in
NAME/HEAD/, which benchmarks/rivals.py takes with --also. All are cut by the silhouette of the network's mask.
no head          what the mask alone explains: cells.complete_cells without candidates
ellipses         the candidates of 05_ellipses as they are, from a score of 0.35
ellipses, fitted cells.complete_cells with the candidates: ours
StarDist         a score that falls towards the edge, and 32 distances to it; polygons, but for those that share an IoU of 0.4 with a better one
                 (Schmidt et al. 2018, arXiv:1806.03535)
MultiStar        and the probability of an overlap: no polygon is taken from a pixel of it, nor does it count in that IoU; distances are learnt on
                 other pixels (after Walter et al. 2021, arXiv:2011.13228)
Cellpose         the direction to the middle of the visible part, followed to where pixels meet (after Stringer et al. 2021, doi:10.1038/s41592-020-01018-x)"""
import argparse
from math import tau
from pathlib import Path
import cv2, numpy as np, pandas as pd, torch, torch.nn.functional as F
from fastai.callback.core import TrainEvalCallback
from fastai.callback.training import GradientClip
from fastai.learner import Learner
from torch import nn
from tqdm import tqdm
import rbc_overlap.training as training
from rbc_overlap.cells import SEEN, complete_cells
from rbc_overlap.classic import DEBRIS
from rbc_overlap.core import Cell, cell_area, cells_mask, crop_cell, ious, label_cells, number_clumps, write_file
from rbc_overlap.dataset import labelled
from rbc_overlap.ellipses import GRID, NAMES, R, _peaks, distances, matrices, outlines, read_maps, sample_places
from rbc_overlap.light import CELL, View, find_field
from rbc_overlap.scores import markdown
from rbc_overlap.segment import _to_image, drop_crumbs, measure_cells
from rbc_overlap.synthesis import Scene
from rivals import moved, row, write

RAYS = 32
ANGLES = np.linspace(0, tau, RAYS, endpoint=False)
WAYS = np.stack([np.cos(ANGLES), np.sin(ANGLES)], 1)
MAPS = len(NAMES), 1+RAYS, 1+RAYS+1, 1+2 # of each head

# Truth

def to_edges(e, x, y):
    "Distances from points inside of ellipses `e` (n, 5) to their edges, along `WAYS`: (n, RAYS)"
    a = matrices(e)
    p = np.einsum('nij,nj->ni', a, np.stack([x, y], 1)-e[:,:2])
    d = np.einsum('nij,kj->nki', a, WAYS)
    pd,dd = np.einsum('ni,nki->nk', p, d),(d*d).sum(2)
    return (np.sqrt(np.maximum(pd*pd-dd*((p*p).sum(1)-1)[:,None], 0))-pd)/dd

def ways_to_middle(top, inside, x, y):
    "Directions from each sample `inside` to the middle of the visible part of its cell, number `top`: (2, h, w)"
    ways = np.zeros((2,*top.shape), np.float32)
    for i in np.unique(top[inside]):
        rows,columns = np.nonzero(inside & (top==i))
        at = np.stack([columns, rows], 1)
        middle = at[np.square(at-at.mean(0)).sum(1).argmin()]
        to = middle-at
        ways[:,rows,columns] = (to/np.maximum(np.hypot(*to.T), 1)[:,None]).T
    return ways

OURS = Scene.maps

def all_maps(scene, frame):
    "Those of ours, then a score, distances, overlap, directions, and what is inside of a cell: (8+1+RAYS+1+2+1, h, w)"
    ours = OURS(scene, frame)
    x,y = sample_places(ours.shape[1:])
    others = np.zeros((1+RAYS+1+2+1,*ours.shape[1:]), np.float32)
    if not len(scene.ellipses): return np.concatenate([ours, others])
    q = distances(scene.ellipses.astype(np.float32), x, y)
    on = q<=1
    inside,top = on.any(0),len(on)-1-on[::-1].argmax(0) # the last one lies above the others
    rows,columns = np.nonzero(inside)
    e = scene.ellipses[top[inside]]
    others[0][inside] = 1-q[top[inside],rows,columns]
    others[1:1+RAYS,inside] = to_edges(e, x[columns], y[rows,0]).T/R
    others[1+RAYS] = on.sum(0)>1
    others[2+RAYS:4+RAYS] = ways_to_middle(top, inside, x, y)
    others[4+RAYS] = inside
    return np.concatenate([ours, others])

# The network

class Together(nn.Module):
    "Heads side by side"
    def __init__(self, heads):
        super().__init__()
        self.heads = nn.ModuleList(heads)
    def forward(self, x): return torch.cat([h(x) for h in self.heads], 1)

def network_of(base, x):
    "The network of `base` with all heads"
    network = training.from_onnx(base, x)
    network.cells = Together([nn.Sequential(training._conv_relu(32, 64), nn.Conv2d(64, 4*n, 1)) for n in MAPS])
    return network

def loss(answer, classes, truth):
    logits,maps = answer
    ours,star,multi,flow = maps.float().split(MAPS, 1)
    score,rays,overlap,ways,inside = truth[:,8:].split((1,RAYS,1,2,1), 1)
    asked = truth[:,6:7]
    def apart(a, b): return (F.binary_cross_entropy_with_logits(a, b, reduction='none')*asked).sum()/asked.sum().clamp(min=1)
    def off(a, b, weight): return (F.smooth_l1_loss(a, b, reduction='none', beta=.05).mean(1,True)*weight).sum()/weight.sum().clamp(min=1)
    w = asked*score
    of_star = apart(star[:,:1], score)+off(star[:,1:], rays, w)
    of_multi = apart(multi[:,:1], score)+off(multi[:,1:1+RAYS], rays, w*(1-overlap))+apart(multi[:,1+RAYS:], overlap)
    of_flow = apart(flow[:,:1], inside)+off(flow[:,1:], ways, asked*inside)
    return training.compact_loss((logits,ours), classes, truth[:,:8]) + of_star+of_multi+of_flow

def train(folders, out, base, epochs, windows, seed):
    "The trained network; it is kept in `out`"
    Scene.maps = all_maps
    *data,_ = training.compact_data([i for f in folders for i in labelled(f)], seed, windows)
    training.set_seed(seed)
    network = network_of(base, torch.stack([data[0][i][0] for i in range(32)]))
    dls = training.loaders(*data, 16)
    cbs = [TrainEvalCallback(), training.Epochs(seed), training.Average(), GradientClip(1.), training.History(out), training.Progress()]
    options = dict(loss_func=loss, splitter=training._classes_and_cells, wd=.01, lr=slice(*training.BASE_LR))
    learn = Learner(dls, network.to(memory_format=torch.channels_last), cbs=cbs, default_cbs=False, **options)
    learn.fit_one_cycle(epochs)
    learn.average.swap()
    torch.save(network.state_dict(), out)
    return network

# From maps to cells

def polygon_cells(points, scores, keep_off, shape, size, free):
    "Greedy choice of polygons (n, RAYS, 2), px of the view; `keep_off` (H, W) doesn't count in their IoU; parts that lie in `free`"
    cells = []
    scale = np.divide(shape, size)[::-1]
    for p in (points+.5)*scale-.5:
        x,y = np.floor(p.min(0)).astype(int).clip(0),np.ceil(p.max(0)).astype(int)+1
        window = np.s_[x[1]:max(y[1], x[1]),x[0]:max(y[0], x[0])]
        part = free[window]
        drawn = cv2.fillPoly(np.zeros(part.shape, np.uint8), [np.rint(8*(p-x)).astype(np.int32)], 1, shift=3)>0 if part.size else part
        drawn &= part
        cells.append((Cell(int(x[1]), int(x[0]), drawn), Cell(int(x[1]), int(x[0]), drawn & ~keep_off[window])))
    cells = [cells[i] for i in np.argsort(-scores, kind='stable') if cells[i][1].mask.any()]
    counted = [c for _,c in cells]
    iou,kept = ious(counted, counted, shape),[]
    for i in range(len(cells)):
        if (iou[i,kept]<=.4).all(): kept.append(i)
    return [moved(crop_cell(cells[i][0].mask), cells[i][0].y, cells[i][0].x) for i in kept]

def star_cells(maps, keep_off, shape, size, free):
    at = _peaks(np.where(keep_off, 0, maps[0]), np.s_[:,:], .4)
    x,y = sample_places(maps.shape[1:])
    middles = np.stack([x[at[1]], y[at[0],0]], 1)
    points = middles[:,None] + np.maximum(maps[1:1+RAYS,at[0],at[1]].T, .05)[...,None]*R*WAYS
    wide = cv2.resize(keep_off.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_NEAREST)>0
    return polygon_cells(points, maps[0][at], wide, shape, size, free)

def ellipse_cells(candidates, shape, free):
    sure = candidates[candidates[:,5]>=SEEN]
    if not len(sure): return []
    points = outlines(sure[:,:5], RAYS)
    return polygon_cells(points, sure[:,5], np.zeros(shape, bool), shape, shape, free)

def flow_cells(maps, shape, free, diameter):
    "Pixels that flow to one place are one cell"
    h,w = maps.shape[1:]
    inside = maps[0]>.5
    y,x = [a.astype(np.float32) for a in np.mgrid[:h,:w]]
    for _ in range(int(3*R/GRID)):
        dx,dy = [cv2.remap(m, x, y, cv2.INTER_LINEAR) for m in maps[1:]]
        x,y = (x+.5*dx).clip(0, w-1),(y+.5*dy).clip(0, h-1)
    at = np.rint(y).astype(int)[inside],np.rint(x).astype(int)[inside]
    n = np.zeros((h,w), np.float32)
    np.add.at(n, at, 1)
    _,places = cv2.connectedComponents(cv2.dilate((cv2.blur(n, (3,3))*9>=5).astype(np.uint8), np.ones((3,3), np.uint8)))
    labels = np.zeros((h,w), np.int32)
    labels[inside] = places[at]
    large = cv2.resize(labels.astype(np.float32), shape[::-1], interpolation=cv2.INTER_NEAREST).astype(np.int32)
    return [c for c in label_cells(large*free) if c.area>=DEBRIS*cell_area(diameter)]

def found_by(network, image):
    "{head: (mask, cells)}"
    field = find_field(image)
    diameter,_,_,level = measure_cells(image, None, field)
    view = View(image, diameter, level, CELL, field)
    h,w = view.size
    x = view.window(0, 0, (-(-h//32)*32, -(-w//32)*32))
    with torch.no_grad(): logits,maps = network(torch.from_numpy(x.transpose(2,0,1)[None]))
    p = logits[0].softmax(0).permute(1,2,0).numpy()[:h,:w]
    shape = image.shape[:2]
    mask = cv2.resize(p, shape[::-1]).argmax(2).astype(np.uint8)
    mask[~field] = 0
    drop_crumbs(mask, diameter)
    free = mask>0
    ours,star,multi,flow = [m.numpy()[:,:-(-h//GRID),:-(-w//GRID)].copy() for m in maps[0].split(MAPS)]
    for m in (ours, star, multi, flow): m[0] = 1/(1+np.exp(-m[0]))
    candidates = _to_image(read_maps(ours), view.size, shape)
    nowhere = np.zeros(star[0].shape, bool)
    cells = {'no head': complete_cells(mask, guess=diameter), 'ellipses': ellipse_cells(candidates, shape, free),
        'ellipses, fitted': complete_cells(mask, guess=diameter, candidates=candidates),
        'StarDist': star_cells(star, nowhere, shape, view.size, free), 'MultiStar': star_cells(multi, multi[-1]>0, shape, view.size, free),
        'Cellpose': flow_cells(flow, shape, free, diameter)}
    return {k: (cells_mask(c, shape), number_clumps(c, shape)) for k,c in cells.items()}

def measure(network, name, folder, out):
    for item in tqdm(labelled(folder, gold=True), name):
        for head,(mask,cells) in found_by(network, item.read()[0]).items(): write(out/name/head, item.image.stem, mask, cells)
    t = pd.DataFrame({p.name: row(p, folder) for p in sorted((out/name).iterdir())}).T
    write_file(out/f'{name}.csv', t.to_csv(float_format='%.4f'))
    write_file(out/f'{name}.md', markdown(t, 3))
    print(f'\n{name}\n\n{markdown(t, 3)}', flush=True)

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('training', nargs='*'); p.add_argument('--base', required=True); p.add_argument('--out', type=Path, required=True)
    p.add_argument('--on', nargs='+', default=[], metavar='NAME=FOLDER')
    p.add_argument('--epochs', type=int, default=12); p.add_argument('--windows', type=int, default=1280); p.add_argument('--seed', type=int, default=4)
    args = p.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    kept = args.out/'heads.pt'
    if kept.exists():
        network = network_of(args.base, torch.rand(8,3,160,160))
        network.load_state_dict(torch.load(kept))
    else: network = train(args.training, kept, args.base, args.epochs, args.windows, args.seed)
    network.eval()
    for name,_,folder in (f.partition('=') for f in args.on): measure(network, name, folder, args.out)

if __name__=='__main__': main()
