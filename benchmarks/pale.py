"""Simulated cells with pale and empty centres, for training: 24 smears whose cells lack half to all of the rim's absorbance in the middle, and 14 fields
of drawn discs, with centres that are soft or cut out, of 24 to 90 px. The shipped model learnt from these, too (labs.py --with).
The frames that train it have hardly any such cells, and automatic masks draw the edges of those too far out.
usage: python benchmarks/pale.py OUT"""
import sys
from dataclasses import replace
from types import SimpleNamespace
import cv2, numpy as np
import rbc_overlap.smear as smear
from rbc_overlap.core import Picture, cells_mask, crop_cell, number_clumps

RED_CELL = smear.red_cell

def pale_smear(rng, seed):
    "A smear whose cells all have about the same pale middle"
    pallor,width = rng.uniform(.5, 1),rng.uniform(.75, 1.35)
    def red_cell(*args, **kwargs):
        body = RED_CELL(*args, **kwargs | dict(pallor=.5))
        return replace(body, pallor=min(pallor*rng.uniform(.9, 1.1), 1.), target=0., dip=body.dip*width)
    smear.red_cell = red_cell
    options = dict(n=int(rng.integers(35, 80)), diameter=float(rng.uniform(28, 55)), overlap=float(rng.uniform(.1, .5)))
    try: return smear.simulate((480,640), touching=.15, seed=seed, wbc=int(seed%4==0), **options)
    finally: smear.red_cell = RED_CELL

def disc(x, y, radius, stretch, angle, edge, centre, soft):
    "(cover, relative absorbance) of an ellipse at the middle of the pixels `x`, `y`; its centre begins at the share `edge` of `radius`"
    u,v = x*np.cos(angle)+y*np.sin(angle),y*np.cos(angle)-x*np.sin(angle)
    r = np.hypot(u/np.sqrt(stretch), v*np.sqrt(stretch))
    hole = np.exp(-(r/(edge*radius))**3) if soft else np.clip(edge*radius-r+.5, 0, 1)
    return np.clip(radius-r+.5, 0, 1), 1-(1-centre)*hole

def discs(rng, seed):
    "A field of discs that don't overlap"
    radius = rng.uniform(12, 45)
    side,pitch = int(11*radius),radius*rng.uniform(2.3, 4)
    edge,centre,soft = rng.uniform(.4, .8),rng.choice([0,0,.1,.2,.3,.5,.8,1]),rng.random()<.5
    y,x = np.mgrid[:side,:side].astype(np.float32)
    a,cells = np.zeros((side,side), np.float32),[]
    for at in np.argwhere(rng.random((int(side/pitch),)*2)>.15):
        middle = (at+.5)*pitch+rng.uniform(-.1, .1, 2)*radius
        cover,relative = disc(x-middle[1], y-middle[0], radius*rng.uniform(.85, 1.15), rng.uniform(1, 1.2), rng.uniform(0, np.pi), edge, centre, soft)
        a += cover*relative
        cells.append(crop_cell(cover>.5))
    a = cv2.GaussianBlur(a*rng.uniform(.12, .45), (0,0), radius/20*rng.uniform(.5, 1.8))
    dye = np.array([.3,1,.72])*np.exp(rng.normal(0, .2, 3))
    image = rng.uniform(170, 240, 3)*10**(-a[...,None]*dye)
    image = np.clip(image+rng.normal(0, rng.uniform(.5, 4), image.shape), 0, 255).astype(np.uint8)
    jpeg = cv2.imencode('.jpg', image[...,::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(70, 97))])[1]
    cells = number_clumps(cells, a.shape)
    return SimpleNamespace(image=Picture(cv2.imdecode(jpeg, 1)[...,::-1].copy()), mask=cells_mask(cells, a.shape), cells=cells, seed=seed)

if __name__=='__main__':
    rng = np.random.default_rng(77)
    smears = [pale_smear(rng, 5000+i) for i in range(24)]
    smear.save_labelled([*smears, *(discs(rng, 9000+i) for i in range(14))], sys.argv[1])
