"""What each step of the paper's synthesis is worth: one network, one budget, six kinds of artificial overlaps; for nbs/tutorials/ablation.ipynb.
usage: python benchmarks/ablation.py TRAIN_FOLDER... --truth FOLDER [--steps 600] [--seeds 0,1] [--arms mix,ours] --out nbs/tutorials/ablation.csv
Slides that FOLDER knows are left out of training. A row is written when an arm is done, and what has a row is not done again."""
import argparse, time
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory
import numpy as np, pandas as pd
from fastai.torch_core import set_seed
from rbc_overlap.core import CLASSES, OVERLAP, UNKNOWN, Mask, cell_diameter, file_hash, write_file
from rbc_overlap.dataset import SIZES, Labelled, PaperSet, crops, labelled
from rbc_overlap.light import CELL
from rbc_overlap.scores import paper_table, score_mask
from rbc_overlap.segment import Model, classify, measure_cells
from rbc_overlap.synthesis import Scenes, overlap_pair, whole_cells
from rbc_overlap.training import RECIPES, Augment, CompactUNet, Examples, export_onnx, learner
from tqdm import tqdm

BLENDS = {'minimum only': dict(weight=1., blurred=0.), 'drawn over only': dict(weight=0., blurred=0.), 'mix': dict(blurred=0.),
    'mix and blur': {}, 'every with every': {}}
ARMS = ['minimum only', 'drawn over only', 'mix', 'mix and blur', 'ours', 'every with every']
SIZE,N,FEW = 160, (SIZES['paper']['crops'],24), (240,16) # px; crops, and those of 'every with every', to train on and to validate on
KEY = ['arm', 'seed', 'steps']

class Known(Labelled):
    "A labelled image whose real overlaps are unknown, so that only artificial ones teach and are scored"
    def read(self):
        image,mask = super().read()
        return image, Mask(np.where(mask==OVERLAP, UNKNOWN, mask))

class Pairs:
    "`pairs` of `crops`, laid on each other; `once`: the same in all epochs"
    def __init__(self, crops, pairs, seed, blend, once): self.crops,self.pairs,self.seed,self.blend,self.once = crops,list(pairs),seed,blend,once
    def __len__(self): return len(self.pairs)
    def item(self, i, epoch=0):
        a,b = self.pairs[i]
        return overlap_pair(*self.crops[a], *self.crops[b], np.random.default_rng([self.seed, 0 if self.once else epoch, i]), **self.blend)

class Repeat:
    "`n` images, which take `items` epoch after epoch"
    def __init__(self, items, n): self.items,self.n = items,n
    def __len__(self): return self.n
    def item(self, i, epoch=0): return self.items.item(i%len(self.items), i//len(self.items))

def diameter(cut): return float(cell_diameter(np.median([c.area for _,mask in cut for c in whole_cells(mask)])))

def overlaps(arm, items, n, few, seed):
    "(training set of `n` images, or of all pairs of a `few` crops; input; diameter of cells, px)"
    if arm=='ours': return Scenes(items, SIZE, n, seed), 'relative absorbance', CELL
    every = arm=='every with every'
    cut = crops(items, few if every else n, SIZE, seed)
    paper = PaperSet(cut, rouleaux=round(len(cut)*SIZES['paper']['rouleaux']/SIZES['paper']['crops']), seed=seed)
    pairs = permutations(range(len(cut)), 2) if every else enumerate(paper.partner)
    return paper if arm=='mix and blur' else Pairs(cut, pairs, seed, BLENDS[arm], every), 'rgb', diameter(cut)

def train_arm(arm, train, held_out, seed, steps):
    "(`Model`, IoUs on held-out artificial overlaps, seconds of training)"
    (data,kind,cell),(valid,*_) = overlaps(arm, train, *N, seed), overlaps(arm, held_out, *FEW, 0)
    sets = Examples(Repeat(data, steps*RECIPES['compact']['batch'])), Examples(valid)
    set_seed(seed)
    with TemporaryDirectory() as d:
        out = Path(d)/'arm.onnx'
        learn = learner(CompactUNet(), sets, out, dict(recipe='compact', seed=seed))
        if kind=='rgb': learn.add_cb(Augment())
        start = time.time()
        learn.fit_one_cycle(1)
        seconds = time.time()-start
        learn.average.swap()
        classes = list(CLASSES.values())[:3]
        card = dict(input=kind, classes=classes, multiple=RECIPES['compact']['multiple'], diameter=cell)
        export_onnx(learn.model, out, card, [sets[1][0][0][None]])
        return Model(out), learn.history.rows[-1], seconds

def real_ious(model, frames):
    "Mean, std and pooled IoUs of `model` on real `frames`: (image, truth, what `measure_cells` says)"
    scores = [score_mask(classify(model, image, d, level).mask, truth) for image,truth,(d,_,_,level) in tqdm(frames, 'real frames', leave=False)]
    rows,counts = zip(*scores)
    return paper_table(pd.DataFrame(rows), sum(counts))

def row(arm, seed, steps, train, held_out, frames):
    "What is saved of one arm and seed"
    model,artificial,seconds = train_arm(arm, train, held_out, seed, steps)
    real = real_ious(model, frames)
    return dict(arm=arm, seed=seed, steps=steps) | {f'artificial_{k}': artificial[k] for k in ('over','rbc','bg')} | dict(real_over=real.over['mean'],
        real_over_std=real.over['std'], real_over_pooled=real.over['pooled'], real_rbc=real.rbc['mean'], real_bg=real.bg['mean'], seconds=round(seconds))

def apart(folders, truth):
    "Images of `folders` whose slide is none of those of `truth`"
    slides = {i.slide for i in truth}
    items = [i for f in folders for i in labelled(f)]
    train = [i for i in items if i.slide not in slides]
    print(f'{len(train)} images of {len({i.slide for i in train})} slides to train on, {len(items)-len(train)} left out; '
        f'{len(truth)} images of {len(slides)} slides to test on')
    assert not {i.slide for i in train} & slides
    both = {file_hash(i.image) for i in truth} & {file_hash(i.image) for i in train}
    assert not both, f'{len(both)} images to test on are also to train on, under the name of another slide'
    return train

def run(folders, truth, out, steps=600, seeds=(0,1), arms=ARMS):
    "Add what is missing to the table `out`"
    truth = labelled(truth)
    train = apart(folders, truth)
    known = lambda items: [Known(**vars(i)) for i in items]
    frames = [(image, mask, measure_cells(image)) for image,mask in (i.read() for i in tqdm(truth, 'cells'))]
    done = pd.read_csv(out) if out.exists() else pd.DataFrame(columns=KEY)
    for arm,seed in tqdm([(a, s) for s in seeds for a in arms], 'arms'):
        if (done[KEY]==[arm, seed, steps]).all(axis=1).any(): continue
        new = row(arm, seed, steps, known(train), known(truth), frames)
        done = pd.DataFrame(done.to_dict('records')+[new])
        write_file(out, done.to_csv(index=False, float_format='%.4f'))
        tqdm.write(f'{arm}, seed {seed}: overlap IoU {new["artificial_over"]:.3f} on artificial overlaps, {new["real_over"]:.3f} on real ones')

if __name__=='__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('folders', nargs='+', metavar='TRAIN_FOLDER')
    p.add_argument('--truth', required=True); p.add_argument('--out', type=Path, required=True); p.add_argument('--steps', type=int, default=600)
    p.add_argument('--seeds', type=lambda s: [int(x) for x in s.split(',')], default=[0,1])
    p.add_argument('--arms', type=lambda s: s.split(','), default=ARMS, help='default: all; '+', '.join(ARMS))
    args = p.parse_args()
    if unknown := set(args.arms)-set(ARMS): p.error(f'no arm {unknown}; there are {", ".join(ARMS)}')
    run(args.folders, args.truth, args.out, args.steps, args.seeds, args.arms)
