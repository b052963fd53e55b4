"""How deep and how dark real overlaps are, in a folder that benchmarks/validation.py made: the numbers that 07_synthesis gives.
usage: python benchmarks/overlaps.py FOLDER"""
import json, sys
from itertools import combinations
from pathlib import Path
import cv2, numpy as np, pandas as pd
from rbc_overlap.core import count_cells, read_coco, read_image
from rbc_overlap.light import absorbance
from tqdm import tqdm

def shrunk(mask, n=1): return cv2.erode(mask.astype(np.uint8), np.ones((3,3), np.uint8), iterations=n)>0

def reach(e, u):
    "From the middle of the ellipse (x, y, a, b, angle) to its edge in the direction `u`, px"
    c,s = np.cos(e[4]), np.sin(e[4])
    return 1/np.hypot((u[0]*c+u[1]*s)/e[2], (u[1]*c-u[0]*s)/e[3])

def outside(mask): return np.where(mask, .5-cv2.distanceTransform(mask.astype(np.uint8), 2, 5), cv2.distanceTransform((~mask).astype(np.uint8), 2, 5)-.5)

def lines(green, one, a, b):
    "Green absorbance, as parts of `one`, along a's outline where it is hidden in b: {px outside of a: median}"
    at,inside = outside(a), shrunk(a|b, 5) & b
    bands = {d: inside & (np.abs(at-d)<=.5) for d in range(-4, 9)}
    return {d: np.median(green[m])/one if m.sum()>=8 else np.nan for d,m in bands.items()}

def pair(green, n, a, b, e, f):
    "(depth and darkness, lines) of the overlap of the cells a and b, bool (H, W), whose ellipses are e and f; None where they don't overlap"
    if not (a&b).any(): return None
    d = f[:2]-e[:2]
    u = d/np.hypot(*d)
    row,lens,alone = dict(gap=np.hypot(*d)/(reach(e, u)+reach(f, u))), shrunk(a&b&(n==2)), [shrunk(c&(n==1), 2) for c in (a,b)]
    if lens.sum()<25 or min(m.sum() for m in alone)<60: return row, []
    one = np.median(green[alone[0]|alone[1]])
    return row | dict(green=np.median(green[lens])/one), [lines(green, one, *ab) for ab in ((a,b),(b,a))] if n.max()==2 else []

def whole(c, shape):
    m = np.zeros(shape, bool)
    m[c.window] = c.mask
    return m

def measure(folder):
    "(a row per overlapping pair, a row per hidden outline)"
    data = json.loads((Path(folder)/'cells.coco.json').read_text())
    ellipses = {}
    names = {i['id']: i['file_name'] for i in data['images']}
    for a in data['annotations']: ellipses.setdefault(names[a['image_id']], []).append(np.array(a.get('ellipse', [])))
    rows,outlines = [],[]
    for name,(cells,shape) in tqdm(read_coco(data).items()):
        green = cv2.GaussianBlur(absorbance(read_image(Path(folder)/'images'/name))[...,1], (0,0), .7)
        for k in {c.clump for c in cells}-{0}:
            group = [(c, e) for c,e in zip(cells, ellipses[name]) if c.clump==k]
            n = count_cells([c for c,_ in group], shape)
            for (c,e),(d,f) in combinations(group, 2):
                if found := pair(green, n, whole(c, shape), whole(d, shape), e, f): rows,outlines = rows+[found[0]],outlines+found[1]
    return pd.DataFrame(rows), pd.DataFrame(outlines)

if __name__=='__main__':
    rows,outlines = measure(sys.argv[1])
    print(f'{len(rows)} overlaps, {rows.green.notna().sum()} with a darkness: distance of middles / sum of radii (gap), green absorbance in the overlap / in one cell')
    print(rows.quantile([.05,.25,.5,.75,.95]).T.round(2).to_string())
    print(f'{len(outlines)} hidden outlines: green absorbance / in one cell, by px outside of the outline')
    print(outlines.quantile([.1,.5,.9]).round(2).to_string())
