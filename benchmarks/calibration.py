"""Do the fitted numbers of `rbc_overlap.cells` still fit? On simulated smears, segmented by the shipped model:
- a logistic regression of whether a count or a cell's mask is right (IoU of 0.8 or more) beside the weights in use,
  with the calibration error of both (of the fitted weights in cross-validation);
- the factor of `typical_diameter`;
- how many clumps are counted right if a cost of `explain` is halved or doubled.
With labelled FOLDERs that have cells.coco.json: on their validation frames, too (a fifth, by slide; all where there is one slide; no gold).
Prints markdown. The default takes about 2 minutes on 2 idle cores.
usage: python benchmarks/calibration.py [FOLDER...] [--smears 40] [--seed 900]"""
import argparse
from dataclasses import dataclass
import numpy as np, pandas as pd
import rbc_overlap.cells as library
from rbc_overlap.cells import CELL_WEIGHTS, COUNT_WEIGHTS, SINGLE_WEIGHTS
from rbc_overlap.cells import Clump, cell_masks, complete_cells, ellipse_score, explain, may_be_clump, pieces, typical_diameter
from rbc_overlap.classic import DEBRIS, outline_diameter
from rbc_overlap.core import Cell, UNKNOWN, cell_area, crop_cell, foreground, ious
from rbc_overlap.dataset import labelled, split
from rbc_overlap.errors import true_diameter
from rbc_overlap.scores import calibration_error, clump_counts, markdown, match, reliability
from rbc_overlap.segment import segment
from rbc_overlap.smear import simulate
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from tqdm import tqdm

RIGHT = .8         # IoU from which a cell's mask is right
COST_FRAMES = 10   # frames on which the costs are changed
WEIGHTS = {'count': COUNT_WEIGHTS['seen'], 'cell in a clump': CELL_WEIGHTS['seen'], 'single cell': SINGLE_WEIGHTS}
SIGNS = {
    'count': ['left over for a cell','strangest log size',"the network's doubt"],
    'cell in a clump': ['wrong near it','log size, without sign','hidden share',"the network's doubt"],
    'single cell': ['IoU with an ellipse']}
COSTS = 'CELL_COST','SIZE_COST','LONG_COST','SEEN_COST'

@dataclass
class Frame:
    "A mask as the network makes it, and the truth"
    mask:np.ndarray    # classes, uint8, (H, W)
    candidates:np.ndarray # as the network's segmentation has them
    guess:float        # diameter of a cell as the network's segmentation has it, px
    truth:list[Cell]
    unknown:np.ndarray # bool, (H, W): where there is no truth

    @property
    def shape(self): return self.mask.shape

def simulated(n, seed):
    "`n` crowded smears, some of them out of focus"
    rng = np.random.default_rng(seed)
    for i in tqdm(range(n), 'smears'):
        blur = rng.uniform(.5, 2.5)
        smear = simulate((480,480), n=80, overlap=.6, rouleaux=.15, blur=blur, seed=seed+i)
        found = segment(smear.image)
        yield Frame(found.mask, found.candidates, found.diameter, smear.cells, np.zeros(smear.mask.shape, bool))

def from_folders(folders):
    "Frames of labelled `folders` that the shipped model wasn't trained on: of those with several slides together, the slides it was validated on"
    several,alone = [],[]
    for folder in folders:
        items = labelled(folder)
        (several if len({i.slide for i in items})>1 else alone).extend(items)
    held_out = split(several, seed=4)[1] if several else []
    for item in tqdm(held_out+alone, 'frames'):
        image,mask = item.read()
        found = segment(image)
        yield Frame(found.mask, found.candidates, found.diameter, item.cells(), mask==UNKNOWN)

def window_of(p):
    h,w = p.inside.shape
    return slice(p.y, p.y+h), slice(p.x, p.x+w)

def held(frame, p):
    "True cells that lie in piece `p` with more than half their area"
    whole = np.zeros(frame.shape, bool)
    whole[window_of(p)] = p.inside>0
    shares = [whole[c.window][c.mask].mean() for c in frame.truth]
    return sum(share>.5 for share in shares)

def single_row(p):
    "The signs of a piece that is one cell, and the cell"
    cell = Cell(p.y, p.x, p.inside>0)
    return dict(kind='single cell', signs=[ellipse_score(cell)], cell=cell)

def cell_rows(clump, p, e):
    "The signs of each cell of a clump, and the cell"
    signs = clump.signs(e)
    rows = []
    for mask,of_cell in zip(cell_masks(e, clump, p), signs):
        cell = crop_cell(mask)
        if not cell.area: continue
        cell.y += p.y
        cell.x += p.x
        rows.append(dict(kind='cell in a clump', signs=of_cell.tolist(), cell=cell))
    return rows

def piece_rows(frame, p, diameter):
    "A row for each cell of a piece, and one for their number"
    if not may_be_clump(p, diameter): return [single_row(p)]
    clump = Clump(p, diameter, frame.shape)
    found, = explain([clump])
    if len(found)==1: return [single_row(p)]
    right = len(found)==held(frame, p)
    count = dict(kind='count', signs=clump.count_signs(found), right=right)
    return [count] + cell_rows(clump, p, found.cells)

def is_known(frame, p):
    "Has the piece its truth?"
    return not (frame.unknown[window_of(p)] & (p.inside>0)).any()

def frame_rows(frame):
    "Rows with `kind`, `signs` and `right` for one frame"
    found = pieces(frame.mask, candidates=frame.candidates)
    diameter = typical_diameter(frame.mask, frame.guess, found)
    if np.isnan(diameter): return []
    rows = []
    for p in found:
        if p.area<DEBRIS*cell_area(diameter): continue
        if is_known(frame, p): rows += piece_rows(frame, p, diameter)
    add_right([r for r in rows if 'cell' in r], frame)
    return rows

def add_right(rows, frame):
    "Write into each row whether its cell is right"
    predicted,_,iou = match(ious([r['cell'] for r in rows], frame.truth, frame.shape))
    right = set(predicted[iou>=RIGHT].tolist())
    for i,row in enumerate(rows): row['right'] = i in right

def compare(rows, kind):
    "Used and fitted weights of one score, a line each, and their calibration errors"
    signs = np.array([r['signs'] for r in rows])
    right = np.array([r['right'] for r in rows])
    used = WEIGHTS[kind]
    table = pd.DataFrame(dict(used=used), ['constant',*SIGNS[kind]])
    score = expit(used[0]+signs@used[1:])
    errors = dict(used=calibration_error(reliability(score, right)))
    means = dict(used=score.mean())
    if min(right.sum(), (~right).sum())>=5:
        model = LogisticRegression(C=1e6, max_iter=10_000).fit(signs, right)
        table['fitted'] = [*model.intercept_, *model.coef_[0]]
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        unseen = cross_val_predict(model, signs, right, cv=folds, method='predict_proba')[:,1]
        errors['fitted'] = calibration_error(reliability(unseen, right))
        means['fitted'] = unseen.mean()
    table.loc['mean score'] = means
    table.loc['calibration error'] = errors
    return table.rename_axis(f'{kind}: {len(right)}, {(~right).sum()} of them wrong')

def diameter_factor(frames):
    "By how much the diameter from outlines must be multiplied, median and quartiles"
    ratios = []
    for f in frames:
        by_outlines = outline_diameter(foreground(f.mask).astype(np.uint8), f.guess)
        ratios.append(true_diameter(f.truth, f.shape)/by_outlines)
    low,median,high = np.nanquantile(ratios, [.25, .5, .75])
    row = {'used': 1.026, 'median': median, 'quartiles': f'{low:.3f} to {high:.3f}'}
    return pd.DataFrame([row], ['factor of outlines'])

def exact(frames):
    "Share of the true clumps that are counted right"
    counts = []
    for f in frames:
        cells = complete_cells(f.mask, guess=f.guess, candidates=f.candidates)
        counts.append(clump_counts(cells, f.truth, f.shape))
    total = pd.DataFrame(counts).sum()
    return total.clumps_exact/total.clumps

def with_cost(frames, name, value):
    "`exact` with another value of the cost `name`"
    before = getattr(library, name)
    setattr(library, name, value)
    try: return exact(frames)
    finally: setattr(library, name, before)

def cost_table(frames):
    "Share of clumps counted right, with each cost halved, as it is, and doubled"
    as_it_is = exact(frames)
    table = pd.DataFrame(columns=['used','half of it','as it is','twice'])
    for name in tqdm(COSTS, 'costs'):
        used = getattr(library, name)
        half,twice = [with_cost(frames, name, used*k) for k in (.5,2)]
        table.loc[name] = used,half,as_it_is,twice
    return table.rename_axis(f'clumps counted right in {len(frames)} frames')

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('folders', nargs='*', help='labelled, with cells.coco.json')
    p.add_argument('--smears', type=int, default=40)
    p.add_argument('--seed', type=int, default=900)
    args = p.parse_args()
    frames = [*simulated(args.smears, args.seed), *from_folders(args.folders)]
    rows = [row for f in tqdm(frames, 'cells') for row in frame_rows(f)]
    for kind in WEIGHTS:
        print(markdown(compare([r for r in rows if r['kind']==kind], kind), 3))
    print(markdown(diameter_factor(frames), 3))
    print(markdown(cost_table(frames[:COST_FRAMES]), 3))

if __name__=='__main__': main()
