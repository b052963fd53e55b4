"""Train on several labs, each of which holds out a fifth of its slides; or leave one of them out, and measure on it.
usage: python benchmarks/labs.py OUT.onnx LAB=FOLDER... [--with FOLDER...] [--base MODEL] [--epochs N] [--seed 4] [--without LAB] [--resume]
FOLDERs are as benchmarks/validation.py makes them. What lies in a --with FOLDER is trained on as part of the first lab, and its
slides are held out together with that lab's, as `train` does it with the two folders alone: so a base may come from these"""
import argparse, os
import numpy as np
import rbc_overlap.training as training
from rbc_overlap.dataset import labelled, split
from rbc_overlap.segment import Model
from rbc_overlap.evaluate import evaluate

def lab_of(item, folders):
    "The name of the lab whose folder `item` lies in"
    return next(lab for lab,paths in folders.items() if any(item.image.is_relative_to(p) for p in paths))

def split_by_lab(folders):
    "A `split` that holds out slides of each lab"
    def by_lab(items, seed):
        labs = {lab: [i for i in items if lab_of(i, folders)==lab] for lab in folders}
        parts = [split(own, seed=seed) for own in labs.values() if own]
        return [i for train,_ in parts for i in train], [i for _,valid in parts for i in valid]
    return by_lab

if __name__=='__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('out'); p.add_argument('labs', nargs='+')
    p.add_argument('--with', nargs='+', default=[], dest='more'); p.add_argument('--base'); p.add_argument('--without')
    p.add_argument('--epochs', type=int); p.add_argument('--seed', type=int, default=4); p.add_argument('--resume', action='store_true')
    args = p.parse_args()
    folders = {lab: [os.path.abspath(folder)] for lab,folder in (x.split('=', 1) for x in args.labs)}
    folders[[*folders][0]] += [os.path.abspath(f) for f in args.more]
    used = [path for lab,paths in folders.items() if lab!=args.without for path in paths]
    training.split = split_by_lab(folders)
    training.train(used, args.out, epochs=args.epochs, seed=args.seed, base=args.base, resume=args.resume)
