"""The kinds of bad_inputs.py: each comes out right or is told in a clear line, nothing else, and never in silence.
One kind or group: `pytest .ci -k bomb`. The last test prints the table of outcomes."""
import pytest
from bad_inputs import KINDS, outcome, table

OUTCOMES = {} # of the kinds that were tried, by name
DEEP = 'a range of a third of the light is stretched, and pale cells are lost'
KNOWN = dict(pale_smear_of_16_bits=DEEP) # what is still wrong

def marked(name):
    if name not in KNOWN: return name
    return pytest.param(name, marks=pytest.mark.xfail(reason=KNOWN[name], strict=True))

@pytest.mark.parametrize('name', [marked(name) for name in KINDS])
def test_kind(name, tmp_path):
    kind = KINDS[name]
    word,wrong = outcome(kind, tmp_path)
    OUTCOMES[name] = word
    assert not wrong, f'{kind.group}, {name}: {wrong}'

def test_table(capsys):
    "Not a test of its own: prints how many kinds of each group came out how"
    with capsys.disabled(): print(f'\n{table(OUTCOMES)}')
