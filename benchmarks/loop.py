"""Overlap IoU against what a person has done for it: the loop of masks, review and training on simulated slides of a lab unlike those that the shipped model has seen.
The person is simulated, and knows the truth: repaints the first frames in the order of review, and accepts or rejects the other masks. `nobody` trains on the masks as they are.
usage: python benchmarks/loop.py --out nbs/tutorials/review_loop.csv [--seeds 0,1] [--orders doubt,random,nobody] [--rounds 3] [--epochs N]"""
import argparse, warnings
from pathlib import Path
from tempfile import TemporaryDirectory
import cv2, numpy as np, pandas as pd
from rbc_overlap.core import OVERLAP, UNKNOWN, read_mask, write_file
from rbc_overlap.folders import latest_mask
from rbc_overlap.journal import Journal, Painting
from rbc_overlap.review import Review
from rbc_overlap.masks import label_images
from rbc_overlap.segment import MODEL, Model, segment
from rbc_overlap.smear import Stain, save_labelled, simulate

LAB = dict(stain=Stain((230,225,215), (.01,.05,.12)), noise=8, blur=1.5) # a faint yellow stain, a noisy camera slightly out of focus
FRAMES,REPAINT = 8,3         # frames of a round, and how many of them are repainted
TOLERANCE = .02              # share of `wrong` pixels in a mask that is accepted

def smears(seeds): return [simulate((400,400), n=55, overlap=.4, wbc=0, seed=s, **LAB) for s in seeds]

def overlap_iou(model, tests):
    "Overlap IoU over all pixels of `tests`"
    pairs = [(segment(t.image, model=model).mask==OVERLAP, t.mask==OVERLAP) for t in tests]
    return sum((a & b).sum() for a,b in pairs)/sum((a | b).sum() for a,b in pairs)

def wrong(mask, truth):
    "Share of the known cell pixels that are wrong in `mask`, where that is more than an edge a pixel or two off"
    known = mask!=UNKNOWN
    errors = cv2.morphologyEx((known & (mask!=truth)).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5,5), np.uint8))
    return errors.sum()/max((known & (truth>0)).sum(), 1)

def review(folder, truths, order):
    "Review the images in `order`; the number of cells that had to be drawn"
    drawn = 0
    for i,name in enumerate(order):
        truth,mask = truths[name],read_mask(latest_mask(folder, name))
        if i<REPAINT:
            Painting(folder, name, who='simulated').paint(np.asarray(truth.mask), tool='ellipse')
            drawn += sum((mask[c.window][c.mask]!=truth.mask[c.window][c.mask]).mean()>.05 for c in truth.cells)
        else: Journal(folder, who='simulated').add(name, 'reject' if wrong(mask, truth.mask)>TOLERANCE else 'accept')
    return drawn

def loop(seed, order, args, folder, tests):
    "Rows of one run: after each round, looks at masks and cells drawn so far, and overlap IoU"
    from rbc_overlap.training import train
    model,looks,drawn,rows,rng = MODEL,0,0,[],np.random.default_rng(seed)
    note = lambda r: rows.append(dict(order=order, seed=seed, round=r, looks=looks, drawn=int(drawn), overlap_iou=round(float(overlap_iou(Model(model), tests)), 4)))
    note(0)
    for r in range(args.rounds):
        frames = smears(range(1000*(seed+1)+FRAMES*r, 1000*(seed+1)+FRAMES*(r+1)))
        names = [f'round{r+1}_{i}' for i in range(FRAMES)]
        save_labelled(frames, folder/f'slides{r}', names)
        label_images([folder/f'slides{r}'/'images'], folder/'labelled', model=Model(model))
        seen = dict(doubt=[n for n in Review(folder/'labelled').names if n in names], random=rng.permutation(names).tolist(), nobody=[])[order]
        looks,drawn = looks+len(seen), drawn+review(folder/'labelled', dict(zip(names, frames)), seen)
        model = train([folder/'labelled'], folder/f'round{r+1}.onnx', base=MODEL, epochs=args.epochs, seed=seed)
        note(r+1)
    return rows

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--out', type=Path, required=True)
    p.add_argument('--seeds', default='0,1')
    p.add_argument('--orders', default='doubt,random,nobody')
    p.add_argument('--rounds', type=int, default=3)
    p.add_argument('--epochs', type=int)
    args = p.parse_args()
    warnings.simplefilter('ignore')
    tests,rows = smears(range(900, 906)),[]
    for seed in map(int, args.seeds.split(',')):
        for order in args.orders.split(','):
            with TemporaryDirectory() as tmp: rows += loop(seed, order, args, Path(tmp), tests)
            write_file(args.out, pd.DataFrame(rows).to_csv(index=False))
            print(pd.DataFrame(rows[-args.rounds-1:]).to_string(index=False), flush=True)

if __name__=='__main__': main()
