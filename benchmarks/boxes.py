"""How many of the boxes that others drew around red cells are found, and how many cells are seen on white cells and platelets.
usage: python benchmarks/boxes.py FOLDER... [--model FILE] [--every N] [--first N]
FOLDER holds images/ and boxes.csv (image, x, y, width, height, and maybe class: rbc, or else a white cell or platelet), px.
--every takes every N-th image, from the first one on: of two, that is the half that benchmarks/validation.py --every 2 leaves"""
import argparse
from collections import Counter
from pathlib import Path
import numpy as np, pandas as pd
from tqdm import tqdm
from rbc_overlap.core import Cell, ious, read_image
from rbc_overlap.measures import analyse
from rbc_overlap.scores import match
from rbc_overlap.segment import MODEL, Model

def box_cell(x, y, w, h, shape):
    "A box as a `Cell`, cut to an image of `shape`; None where nothing is left"
    top,left = max(round(y), 0), max(round(x), 0)
    bottom,right = min(round(y+h), shape[0]), min(round(x+w), shape[1])
    return Cell(top, left, np.ones((bottom-top, right-left), bool)) if bottom>top and right>left else None

def own_box(c): return Cell(c.y, c.x, np.ones_like(c.mask))

def is_cut(c, shape, margin=2):
    "Does the frame cut the box of `c`?"
    h,w = c.mask.shape
    return c.y<margin or c.x<margin or c.y+h>shape[0]-margin or c.x+w>shape[1]-margin

def lies_in(c, box):
    "Do most pixels of the cell `c` lie in the ellipse that fills `box`?"
    h,w = box.mask.shape
    y,x = np.nonzero(c.mask)
    v,u = (y+c.y-box.y-(h-1)/2)/(h/2), (x+c.x-box.x-(w-1)/2)/(w/2)
    return (u*u+v*v<=1).mean() > .5

def concentric(cells):
    "Pairs of cells whose middles are nearer to each other than a quarter of their size"
    middles = np.array([np.argwhere(c.mask).mean(0)+(c.y,c.x) for c in cells]).reshape(-1, 2)
    size = np.sqrt([c.area for c in cells])
    apart = np.linalg.norm(middles[:,None]-middles, axis=2)
    return int((np.triu(apart<.25*np.maximum(size[:,None], size), 1)).sum())

def score(image, boxes, model):
    "Counts of one image"
    shape = image.shape[:2]
    found = analyse(image, model=model)
    kinds = boxes['class'] if 'class' in boxes else pd.Series('rbc', boxes.index)
    as_cells = [(box_cell(b.x, b.y, b.width, b.height, shape), kind) for b,kind in zip(boxes.itertuples(), kinds)]
    red = [c for c,kind in as_cells if c and kind=='rbc']
    white = [c for c,kind in as_cells if c and kind!='rbc']
    of_found,of_red,iou = match(ious([own_box(c) for c in found.cells], red, shape))
    hit = {j for j,v in zip(of_red, iou) if v>=.5}
    whole = [j for j,c in enumerate(red) if not is_cut(c, shape)]
    on_white = sum(any(lies_in(c, w) for c in found.cells) for w in white)
    return Counter(images=1, whole=len(whole), found=len(hit & set(whole)), white=len(white), seen_on_white=on_white,
        cells=len(found.cells), pairs=concentric(found.cells), flagged=bool(found.segmentation.unlike))

if __name__=='__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('folders', nargs='+', type=Path); p.add_argument('--model', type=Path, default=MODEL)
    p.add_argument('--every', type=int, default=1); p.add_argument('--first', type=int, help='so many images at most')
    args = p.parse_args()
    model = Model(args.model)
    rows = {}
    for folder in args.folders:
        boxes = pd.read_csv(folder/'boxes.csv')
        names = sorted(boxes.image.unique())[::args.every][:args.first]
        scores = [score(read_image(folder/'images'/n), boxes[boxes.image==n], model) for n in tqdm(names, folder.name)]
        total = sum(scores, Counter())
        rows[folder.name] = dict(total, recall=round(total['found']/total['whole'], 4))
    print(pd.DataFrame(rows).T.fillna(0).to_string())
