"""Train on several labs, each of which holds out a fifth of its slides; or leave one of them out, and measure on it.
usage: python benchmarks/labs.py OUT.onnx LAB=FOLDER... [--with FOLDER...] [--base MODEL] [--epochs N] [--windows N] [--seed 4] [--without LAB]
       [--resume] [--head]
       python benchmarks/labs.py OUT.onnx LAB=FOLDER... --mix TRAINED.onnx --base MODEL [--keep .4]
FOLDERs are as benchmarks/validation.py makes them. What lies in a --with FOLDER is trained on as part of the first lab, and its
slides are held out together with that lab's, as `train` does it with the two folders alone: so a base may come from these.
--mix trains nothing: of the layers that both heads share, OUT keeps a share of the weights of MODEL and has the rest of TRAINED
(Wortsman et al. 2022, arXiv:2109.01903); the head for whole cells is that of TRAINED. It then fits the layers below no more: its cells are some tenths
of a px off, and too large. With --head, that head alone learns on (from such a mixture as --base)."""
import argparse, os
import torch
import rbc_overlap.training as training
from rbc_overlap.core import write_file
from rbc_overlap.dataset import labelled, split
from rbc_overlap.segment import Model
from rbc_overlap.synthesis import Scenes

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

def mixed(base, trained, keep):
    "Convolutions as of `training._conv_weights`: a share `keep` of those of `base`, but the last two, which see whole cells"
    own = training._conv_weights(trained)
    before = training._conv_weights(base)[:len(own)-2]
    shared = [[keep*b+(1-keep)*t for b,t in zip(*pair)] for pair in zip(before, own)]
    return shared + own[-2:]

def freeze_shared():
    "From now on networks learn in the head for whole cells alone; their other layers stay as they are"
    def train(network, on=True):
        for p in network.parameters(): p.requires_grad_(False)
        network.cells.requires_grad_(True)
        torch.nn.Module.train(network, False)
        network.cells.train(on)
        return network
    training.CompactUNet.train = train

def mix(out, base, trained, keep, items):
    "Write the mixture of `base` and `trained` to `out`"
    scenes = training.Examples(Scenes(items, 160, 32, 5))
    images = torch.stack([scenes[i][0] for i in range(32)])
    convs = mixed(base, trained, keep)
    training._conv_weights = lambda path: convs
    network = training.from_onnx(trained, images).eval()
    write_file(out, training.onnx_bytes(network, Model(trained).card))

if __name__=='__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('out'); p.add_argument('labs', nargs='+')
    p.add_argument('--with', nargs='+', default=[], dest='more'); p.add_argument('--base'); p.add_argument('--without')
    p.add_argument('--epochs', type=int); p.add_argument('--windows', type=int); p.add_argument('--seed', type=int, default=4); p.add_argument('--resume', action='store_true')
    p.add_argument('--mix'); p.add_argument('--keep', type=float, default=.4); p.add_argument('--head', action='store_true')
    args = p.parse_args()
    folders = {lab: [os.path.abspath(folder)] for lab,folder in (x.split('=', 1) for x in args.labs)}
    folders[[*folders][0]] += [os.path.abspath(f) for f in args.more]
    used = [path for lab,paths in folders.items() if lab!=args.without for path in paths]
    training.split = split_by_lab(folders)
    if args.head: freeze_shared()
    if args.mix: mix(args.out, args.base, args.mix, args.keep, [i for f in used for i in labelled(f)[::12]])
    else: training.train(used, args.out, epochs=args.epochs, seed=args.seed, base=args.base, resume=args.resume, windows=args.windows)
