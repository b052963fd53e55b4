"""Overlap IoU against minutes of a person's time: the loop of masks, review and training on simulated slides of a lab unlike those that the shipped model has seen.
The person is simulated: he knows the truth, repaints the clumps of the first frames in the order of review, and accepts or rejects the other masks.
usage: python benchmarks/loop.py --out nbs/tutorials/review_loop.csv [--seeds 0,1] [--orders doubt,random] [--rounds 3] [--epochs N]"""
import argparse, sys, warnings
from pathlib import Path
from tempfile import TemporaryDirectory
import cv2, numpy as np, pandas as pd
from rbc_overlap.core import RBC, OVERLAP, UNKNOWN, Journal, Painting, latest_mask, read_mask, write_file
from rbc_overlap.review import Review
from rbc_overlap.run import label_images
from rbc_overlap.segment import MODEL, Model, segment
from rbc_overlap.smear import Stain, save_labelled, simulate

LAB = dict(stain=Stain((230,225,215), (.01,.05,.12)), noise=8, blur=1.5) # a faint yellow stain, a noisy camera slightly out of focus
FRAMES,REPAINT = 8,3         # frames of a round, and how many of them are repainted
LOOK,CELL = 4,5              # seconds that a look and a decision take, and an ellipse drawn around a cell
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

def review(folder, names, truths, order):
    "Review the images `names`; the seconds that it takes a person"
    seconds = 0
    for i,name in enumerate(order):
        truth,mask = truths[name],read_mask(latest_mask(folder, name))
        seconds += LOOK
        if i<REPAINT:
            cells = [c for c in truth.cells if (mask[c.window][c.mask]!=truth.mask[c.window][c.mask]).mean()>.05]
            Painting(folder, name, who='simulated').paint(np.asarray(truth.mask), tool='ellipse')
            seconds += CELL*len(cells)
        else: Journal(folder, who='simulated').add(name, 'reject' if wrong(mask, truth.mask)>TOLERANCE else 'accept')
    return seconds

def loop(seed, order, args, folder, tests):
    "Rows of one run: after each round, minutes and overlap IoU"
    from rbc_overlap.training import train
    model,minutes,rows,rng = MODEL,0,[],np.random.default_rng(seed)
    note = lambda r: rows.append(dict(order=order, seed=seed, round=r, minutes=round(minutes, 2), overlap_iou=round(float(overlap_iou(Model(model), tests)), 4)))
    note(0)
    for r in range(args.rounds):
        frames = smears(range(1000*(seed+1)+FRAMES*r, 1000*(seed+1)+FRAMES*(r+1)))
        names = [f'round{r+1}_{i}' for i in range(FRAMES)]
        save_labelled(frames, folder/f'slides{r}', names)
        label_images([folder/f'slides{r}'/'images'], folder/'labelled', model=Model(model))
        by_doubt = [n for n in Review(folder/'labelled').names if n in names]
        minutes += review(folder/'labelled', names, dict(zip(names, frames)), by_doubt if order=='doubt' else rng.permutation(names).tolist())/60
        model = train([folder/'labelled'], folder/f'round{r+1}.onnx', base=MODEL, epochs=args.epochs, seed=seed)
        note(r+1)
    return rows

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--out', type=Path, required=True)
    p.add_argument('--seeds', default='0,1')
    p.add_argument('--orders', default='doubt,random')
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
