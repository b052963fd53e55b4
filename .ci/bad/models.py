"Files that are no model for red cells"
import json
from functools import partial
import numpy as np
from rbc_overlap.core import write_file
from .kit import Want, add, line

CARD = dict(recipe='compact', input='relative absorbance', multiple=32, diameter=40,
    classes=['background','rbc','overlap'])
def onnx_model(card=CARD, channels=3, out_channels=3, half=False, nan=False, outputs=1, inputs=1, dtype='float',
    external=False):
    "A tiny network that says the same everywhere, in an ONNX file"
    from onnx import TensorProto, helper, numpy_helper
    kind_of = dict(float=TensorProto.FLOAT, uint8=TensorProto.UINT8)
    weights = numpy_helper.from_array(np.full((out_channels,channels,1,1), np.nan if nan else .1, np.float32), 'w')
    if external:
        weights.ClearField('raw_data')
        weights.data_location = TensorProto.EXTERNAL
        weights.external_data.add(key='location', value='../../../../../../etc/passwd')
    sides = ['height','width']
    nodes = [helper.make_node('Cast', ['image'], ['x'], to=TensorProto.FLOAT),
        helper.make_node('Conv', ['x','w'], ['y'], strides=[2,2] if half else [1,1]),
        helper.make_node('Softmax', ['y'], ['p'], axis=1)]
    outs = [f'p{i}' for i in range(outputs)]
    nodes += [helper.make_node('Cast', ['p'], [o], to=TensorProto.FLOAT) for o in outs]
    ins = [helper.make_tensor_value_info(n, kind_of[dtype], ['n',channels,*sides]) for n in ['image','more'][:inputs]]
    out = [helper.make_tensor_value_info(o, TensorProto.FLOAT, ['n',out_channels,None,None]) for o in outs]
    graph = helper.make_graph(nodes, 'g', ins, out, [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=9)
    if card is not None: helper.set_model_props(model, dict(card=card if isinstance(card, str) else json.dumps(card)))
    return model.SerializeToString()

MODELS = dict(
    text=b'no model',
    cut=lambda: onnx_model()[:200],
    pickle=b'\x80\x04cos\nsystem\n(S"true"\ntR.')
DIAMETERS = dict(zero=0, text='40px', nan=float('nan'))
MULTIPLES = dict(zero=0, half=.5)
NETWORKS = dict(
    no_card=dict(card=None),
    card_text=dict(card='a card'),
    card_nested=dict(card='['*100_000),
    **{f'card_diameter_{name}': dict(card=CARD | dict(diameter=v)) for name,v in DIAMETERS.items()},
    **{f'card_multiple_{name}': dict(card=CARD | dict(multiple=v)) for name,v in MULTIPLES.items()},
    **{f'card_without_{k}': dict(card={i: v for i,v in CARD.items() if i!=k}) for k in ('input','diameter')},
    card_other_input=dict(card=CARD | dict(input='heat')),
    two_classes=dict(out_channels=2),
    half_size=dict(half=True),
    nan=dict(nan=True),
    two_outputs=dict(outputs=2),
    no_output=dict(outputs=0),
    two_inputs=dict(inputs=2),
    input_of_bytes=dict(dtype='uint8'),
    weights_elsewhere=dict(external=True))

def early(t, _):
    "One line with the model's name, before any work"
    return line(r'model\.onnx').holds(t, _) and not [*t.world.out.glob('*_mask.png')]
EARLY = Want('line', early, 'one line with model.onnx, and nothing written')

def uses_model(w): return ['segment', w.inside, '--out', w.out, '--model', w/'model.onnx']
def model(name, make): add('models', f'model_{name}', make, EARLY, argv=uses_model)
def writes_model(data): return lambda w: write_file(w/'model.onnx', data() if callable(data) else data)
for name,data in MODELS.items(): model(name, writes_model(data))
for name,options in NETWORKS.items(): model(name, writes_model(partial(onnx_model, **options)))
model('missing', lambda w: None)
model('folder', lambda w: (w/'model.onnx').mkdir())
