r"""Results in real napari, dropped on its window as files are: layers, cells and the row of a cell in the status bar.
napari and Qt take about 1.3 GB, so this runs where both are installed, and is skipped elsewhere. On Debian:
  apt-get install xvfb libegl1 libgl1 libdbus-1-3 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 \
    libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0
  python3 -m venv /tmp/napari && /tmp/napari/bin/pip install '.[napari]' pytest
  xvfb-run -a -s '-screen 0 1400x900x24' /tmp/napari/bin/pytest --noconftest -o addopts= .ci/test_napari.py"""
import os, time
from pathlib import Path
import pytest
napari = pytest.importorskip('napari', reason='napari is not installed: see the head of .ci/test_napari.py')
if not os.environ.get('DISPLAY'): pytest.skip('no screen for napari: xvfb-run gives one', allow_module_level=True)

import numpy as np, pandas as pd
from rbc_overlap.core import to_png, write_file
from rbc_overlap.run import Run
from rbc_overlap.smear import simulate
from qtpy.QtCore import QMimeData, QPointF, QTimer, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QDialogButtonBox

@pytest.fixture(scope='module')
def results(tmp_path_factory):
    slides,out = tmp_path_factory.mktemp('slides'),tmp_path_factory.mktemp('results')
    for name,size in ('a',(240,320)),('b',(200,360)):
        write_file(slides/f'{name}.png', to_png(simulate(size, n=25, overlap=.4, seed=len(name)).image))
    Run([slides], out, pixel_size=.2)()
    return out

@pytest.fixture
def viewer():
    v = napari.Viewer()
    yield v
    v.close()

def choose():
    "Take our reader in the dialog in which napari asks for one"
    for dialog in QApplication.topLevelWidgets():
        if dialog.objectName()!='Choose reader' or not dialog.isVisible(): continue
        ours, = [b for b in dialog.reader_btn_group.buttons() if b.text()=='rbc-overlap']
        ours.click()
        dialog.btn_box.button(QDialogButtonBox.Ok).click()

def drop(viewer, path):
    "Drag `path` onto the window of `viewer` and drop it"
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    window = viewer.window._qt_viewer
    where = window.rect().center()
    how = Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    timer = QTimer()
    timer.timeout.connect(choose)
    timer.start(100)
    QApplication.sendEvent(window, QDragEnterEvent(where, *how))
    QApplication.sendEvent(window, QDropEvent(QPointF(where), *how))
    timer.stop()

def check(viewer, results, image=None):
    "Do the layers hold each cell of cells.csv, and does the status bar tell its row? `image`: of that image alone"
    table = pd.read_csv(results/'cells.csv')
    if image: table = table.query('image==@image')
    picture,*levels,mask = [viewer.layers[0], *viewer.layers[2:], viewer.layers[1]]
    counts = sum(np.bincount(np.asarray(level.data).ravel(), minlength=len(table)+1) for level in levels)
    assert counts[1:].tolist()==table.area.astype(int).tolist()
    assert viewer.layers.selection.active is levels[-1] and levels[-1].name.endswith(': cells')
    assert picture.rgb and picture.visible and not mask.visible
    assert {layer.scale[-1] for layer in viewer.layers}=={.2}
    number = np.asarray(levels[-1].data).max()
    place = np.argwhere(np.asarray(levels[-1].data)==number)[0]
    viewer.dims.set_point(0, place[0]*levels[-1].scale[0])
    told = levels[-1].get_status(tuple(levels[-1].data_to_world(place)), world=True)['value']
    row = table.iloc[number-1]
    assert f'image: {row.image}, label: {row.label}, area: {row.area:.3g}' in told

@pytest.mark.parametrize('name,image', [('',None), ('a_cells.json','a.png'), ('b_mask.png','b.png')])
def test_drop(viewer, results, name, image):
    drop(viewer, results/name)
    check(viewer, results, image)
    shown = viewer.screenshot(flash=False)
    assert len(np.unique(shown.reshape(-1, shown.shape[-1]), axis=0))>1000
    if folder := os.environ.get('PICTURES'):
        time.sleep(.2)
        QApplication.processEvents()
        viewer.window.screenshot(str(Path(folder)/f'{name or "folder"}.png'), canvas_only=False)

def test_open(viewer, results):
    viewer.open(results, plugin='rbc_overlap')
    check(viewer, results)

def test_others(viewer, tmp_path):
    write_file(tmp_path/'a.png', to_png(np.full((20,30,3), 99, np.uint8)))
    drop(viewer, tmp_path/'a.png')
    assert [layer.name for layer in viewer.layers]==['a']

def test_damaged(viewer, results, tmp_path):
    write_file(tmp_path/'c_cells.json', '{')
    with pytest.raises(Exception, match='c_cells.json: a damaged file of cells'): 
        viewer.open(tmp_path/'c_cells.json', plugin='rbc_overlap')
