// The view of `Review` (nbs/23_review.ipynb): shows what Python holds, paints at once, and sends each stroke.
// A mask is a Uint8Array at full resolution; a pixel belongs to a shape if its centre does, so nothing is blurred.
// One `Picture` for each Python object; for each view of it an `Editor`, with a `Viewport`, tools and a panel.

const UNKNOWN = 255

// ---- Boxes: [top, left, bottom, right) in image pixels --------------------------------------------------------------

const NOWHERE = [Infinity, Infinity, 0, 0]

const isEmpty = ([top, left, bottom, right]) => top >= bottom || left >= right

const union = (a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])]

// The box that holds all points and `pad` around them
function around(points, pad) {
  const xs = points.map(p => p.x)
  const ys = points.map(p => p.y)
  const top = Math.floor(Math.min(...ys)-pad)
  const left = Math.floor(Math.min(...xs)-pad)
  const bottom = Math.ceil(Math.max(...ys)+pad)
  const right = Math.ceil(Math.max(...xs)+pad)
  return [top, left, bottom, right]
}

// ---- Shapes: the box in which they lie, and which points (x, y) they have -------------------------------------------

// What a disc of radius `r` covers on its way from `a` to `b`
function stroke(a, b, r) {
  const dx = b.x-a.x
  const dy = b.y-a.y
  const length2 = dx*dx + dy*dy
  const has = (x, y) => {
    const along = (x-a.x)*dx + (y-a.y)*dy
    if (along <= 0) return (x-a.x)**2 + (y-a.y)**2 <= r*r
    if (along >= length2) return (x-b.x)**2 + (y-b.y)**2 <= r*r
    return ((x-a.x)*dy - (y-a.y)*dx)**2 <= r*r*length2
  }
  return {box: around([a, b], r), has}
}

// Centre, half axes and direction of the ellipse whose long axis goes from `a` to `b`; its width reaches `side`
function axes(a, b, side) {
  const x = (a.x+b.x)/2
  const y = (a.y+b.y)/2
  const length = Math.hypot(b.x-a.x, b.y-a.y)
  const ux = (b.x-a.x)/length
  const uy = (b.y-a.y)/length
  const wide = Math.abs((side.y-y)*ux - (side.x-x)*uy)
  return {x, y, ux, uy, long: length/2, wide}
}

function ellipse({x: cx, y: cy, ux, uy, long, wide}) {
  const has = (x, y) => {
    const along = ((x-cx)*ux + (y-cy)*uy)/long
    const across = ((y-cy)*ux - (x-cx)*uy)/wide
    return along*along + across*across <= 1
  }
  return {box: around([{x: cx, y: cy}], Math.max(long, wide)), has}
}

function polygon(corners) {
  const has = (x, y) => {
    let inside = false
    corners.forEach((a, i) => {
      const b = corners.at(i-1)
      if ((a.y > y) !== (b.y > y) && x < (b.x-a.x)*(y-a.y)/(b.y-a.y) + a.x) inside = !inside
    })
    return inside
  }
  return {box: around(corners, 0), has}
}

// ---- Tables: what a class becomes when it is painted over -----------------------------------------------------------

const table = change => Uint8Array.from({length: 256}, (_, c) => change[c] ?? change.any ?? c)

const painted = c => table({any: c})

// An overlap without one of its cells is a cell
function erased(c) {
  if (!c) return table({any: 0})
  return table({[c]: c === 2 ? 1 : 0})
}

const CELL = table({0: 1, [UNKNOWN]: 1, 1: 2})

// Give `to` to all that hangs together with pixel (x, y) and has its class
function flood(mask, width, height, x, y, to) {
  const from = mask[y*width + x]
  const todo = from === to ? [] : [x, y]
  while (todo.length) {
    y = todo.pop()
    x = todo.pop()
    const row = y*width
    if (mask[row+x] !== from) continue
    while (x && mask[row+x-1] === from) x--
    const left = x
    while (x < width && mask[row+x] === from) mask[row + x++] = to
    if (y) addRuns(todo, mask, width, y-1, left, x, from)
    if (y+1 < height) addRuns(todo, mask, width, y+1, left, x, from)
  }
}

// Add to `todo` where between `left` and `right` of row `y` a run of class `from` begins
function addRuns(todo, mask, width, y, left, right, from) {
  const row = y*width
  let before = false
  for (let x = left; x < right; x++) {
    const same = mask[row+x] === from
    if (same && !before) todo.push(x, y)
    before = same
  }
}

// ---- Compression, as zlib has it ------------------------------------------------------------------------------------

const through = (bytes, stream) => new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer()
const deflate = bytes => through(bytes, new CompressionStream('deflate'))
const inflate = async bytes => new Uint8Array(await through(bytes, new DecompressionStream('deflate')))

// ---- The picture: one for each Python object, however many views show it --------------------------------------------

class Picture extends EventTarget {
  bitmap = null        // of the image
  mask = null          // Uint8Array, height*width
  layer = null         // canvas of the same size: the mask in colours
  shown = 0            // `state.shown` of what is here
  since = 0            // when it came
  hidden = new Set([0])
  waiting = new Map()  // number → message that Python hasn't answered
  late = false         // Python takes unusually long
  problem = ''
  #have = {}
  #want = {}
  #last = 0
  #sending = Promise.resolve()
  #window = Math.random().toString(36).slice(2)

  constructor(model) {
    super()
    this.model = model
    model.on('change:state', () => this.receive())
    model.on('msg:custom', (stroke, buffers) => {
      if (stroke.window !== this.#window) this.#follow(stroke, buffers[0])
    })
    this.receive()
    this.send('ready')
  }

  get state() { return this.model.get('state') ?? {} }
  get height() { return this.#have.shape?.[0] ?? 0 }
  get width() { return this.#have.shape?.[1] ?? 0 }
  get all() { return [0, 0, this.height, this.width] }
  get loading() { return this.#want !== this.#have }
  get strokes() { return this.#unanswered.filter(what => what === 'paint').length }
  get noting() { return this.#unanswered.includes('note') }
  get locked() { return this.loading || this.#unanswered.some(what => !['paint', 'note', 'ready'].includes(what)) }
  get #unanswered() { return [...this.waiting.values()].map(m => m.do) }

  tell(what, detail) { this.dispatchEvent(new CustomEvent(what, {detail})) }

  // -- messages to Python

  // Messages leave in the order in which they were made, though deflating takes its time
  send(what, content = {}, bytes) {
    const {name, answered} = this.state
    const id = Math.max(this.#last, answered ?? 0) + 1
    const message = {id, do: what, name, shown: this.shown, window: this.#window, ...content}
    this.#last = id
    this.waiting.set(id, message)
    this.#sending = this.#sending.then(() => this.#post(message, bytes)).catch(e => this.#fail(`Not sent: ${e}`))
    setTimeout(() => this.#remind(id), 5000)
    this.tell('state')
  }

  async #post(message, bytes) {
    const buffers = bytes ? [await deflate(bytes)] : undefined
    return this.model.send(message, undefined, buffers)
  }

  #fail(text) {
    this.problem = text
    this.tell('state')
  }

  #remind(id) {
    if (!this.waiting.has(id)) return
    this.late = true
    this.tell('state')
  }

  // -- what comes from Python

  receive() {
    const {state, model} = this
    const image = model.get('image')
    const mask = model.get('mask')
    const want = {image, mask, shape: state.shape, name: state.name}
    this.#forgetAnswered(state.answered)
    if (this.#differs(want)) {
      this.#want = want
      this.#load(want)
    } else if (!this.loading) this.shown = state.shown
    this.tell('state')
  }

  #forgetAnswered(answered) {
    for (const id of this.waiting.keys()) if (id <= answered) this.waiting.delete(id)
    if (!this.waiting.size) this.late = false
  }

  #differs({image, mask, shape}) {
    const now = this.#want
    return image !== now.image || mask !== now.mask || !shape !== !now.shape
  }

  // Decode what is new; where something newer comes meanwhile, forget it
  async #load(want) {
    let decoded = {bitmap: null, mask: null}
    let problem = ''
    try {
      if (want.shape) decoded = await this.#decode(want)
    } catch (e) {
      problem = `Can't be shown: ${e.message ?? e}`
    }
    if (want === this.#want) this.#put(want, decoded, problem)
  }

  async #decode({image, mask: bytes, shape: [height, width]}) {
    const same = this.#have.shape && image === this.#have.image
    const decoding = same ? this.bitmap : createImageBitmap(new Blob([image], {type: 'image/jpeg'}))
    const [bitmap, mask] = await Promise.all([decoding, inflate(bytes)])
    if (mask.length !== height*width) {
      throw Error(`a mask of ${mask.length} pixels for an image of ${height} x ${width}`)
    }
    return {bitmap, mask}
  }

  #put(want, {bitmap, mask}, problem) {
    const other = want.name !== this.#have.name
    if (this.bitmap && this.bitmap !== bitmap) this.bitmap.close()
    Object.assign(this, {bitmap, mask, problem, shown: this.state.shown})
    if (other) this.since = performance.now()
    this.#have = want
    this.color()
    this.tell('picture', other)
    this.tell('state')
  }

  // A stroke that was painted in another window
  async #follow({y: top, x: left, h, w}, buffer) {
    if (this.loading) return this.send('ready')
    const have = this.#have
    const after = await inflate(buffer)
    if (have !== this.#want || !this.mask) return
    for (let y = 0; y < h; y++) {
      const row = after.subarray(y*w, (y+1)*w)
      this.mask.set(row, (top+y)*this.width + left)
    }
    this.changed([top, left, top+h, left+w])
  }

  // -- the mask in colours

  // Bring the layer's colours up to date within the box
  color(box = this.all) {
    if (!this.mask) {
      this.layer = null
      return
    }
    const {width, height} = this
    if (this.layer?.width !== width || this.layer.height !== height) {
      this.layer = Object.assign(document.createElement('canvas'), {width, height})
    }
    const [top, left, bottom, right] = box
    const colors = this.#colors()
    const rows = Math.max(1, Math.floor(2**20/(right-left)))
    for (let y = top; y < bottom; y += rows) this.#colorRows([y, left, Math.min(y+rows, bottom), right], colors)
  }

  // What each class looks like, as ImageData has it (ABGR); a hidden one is transparent
  #colors() {
    const colors = new Uint32Array(256)
    for (const {value, color: [r, g, b]} of this.state.classes) {
      if (!this.hidden.has(value)) colors[value] = (255<<24 | b<<16 | g<<8 | r) >>> 0
    }
    return colors
  }

  // Unknown is hatched; the hatching is as wide as it must be to be seen in the whole image
  #colorRows([top, left, bottom, right], colors) {
    const {mask, width, height} = this
    const period = Math.max(8, Math.round(Math.max(width, height)/120))
    const between = colors[UNKNOWN] & 0x00ffffff | (colors[UNKNOWN] ? 0x50000000 : 0)
    const pixels = new ImageData(right-left, bottom-top)
    const out = new Uint32Array(pixels.data.buffer)
    let i = 0
    for (let y = top; y < bottom; y++) {
      const row = y*width
      for (let x = left; x < right; x++) {
        const c = mask[row+x]
        out[i++] = c === UNKNOWN && (x+y) % period >= period/2 ? between : colors[c]
      }
    }
    this.layer.getContext('2d').putImageData(pixels, left, top)
  }

  // -- painting

  // Paint a shape; the box that may have changed
  paint(shape, change) {
    const {mask, width, height} = this
    const top = Math.max(shape.box[0], 0)
    const left = Math.max(shape.box[1], 0)
    const bottom = Math.min(shape.box[2], height)
    const right = Math.min(shape.box[3], width)
    for (let y = top; y < bottom; y++) {
      const row = y*width
      for (let x = left; x < right; x++) {
        const i = row+x
        if (shape.has(x+.5, y+.5)) mask[i] = change[mask[i]]
      }
    }
    const box = [top, left, bottom, right]
    this.changed(box)
    return box
  }

  changed(box) {
    if (isEmpty(box)) return
    this.color(box)
    this.tell('painted')
  }

  // Send the smallest box within `box` that holds all that differs from `before`
  commit(tool, before, box) {
    const [top, left, bottom, right] = this.#difference(before, box)
    if (!bottom) return
    const w = right-left
    const h = bottom-top
    const after = new Uint8Array(w*h)
    for (let y = 0; y < h; y++) {
      const start = (top+y)*this.width + left
      after.set(this.mask.subarray(start, start+w), y*w)
    }
    this.send('paint', {tool, y: top, x: left, h, w}, after)
  }

  #difference(before, box) {
    const {mask, width} = this
    let [top, left, bottom, right] = NOWHERE
    for (let y = box[0]; y < box[2]; y++) {
      const row = y*width
      let first = box[1]
      while (first < box[3] && mask[row+first] === before[row+first]) first++
      if (first >= box[3]) continue
      let end = box[3]
      while (mask[row+end-1] === before[row+end-1]) end--
      top = Math.min(top, y)
      left = Math.min(left, first)
      bottom = y+1
      right = Math.max(right, end)
    }
    return [top, left, bottom, right]
  }
}

// ---- The editor: what is chosen and what the pointer does; viewport, tools and panel share it -----------------------

class Editor extends EventTarget {
  chosen = 1      // class
  size = 12       // width of brush and eraser in image pixels
  opacity = .4    // of the mask
  hidden = false  // is the whole mask hidden?
  space = false   // is the space bar down?
  pointer = null  // where it is, in image pixels
  pan = null      // the last pointer event, while the pointer moves the image
  #over = new AbortController()

  constructor(picture) {
    super()
    this.picture = picture
    this.viewport = new Viewport(this)
    const tools = Object.entries(TOOLS).map(([name, Kind]) => [name, new Kind(name, this)])
    this.tools = Object.fromEntries(tools)
    this.tool = this.tools.look
    this.#follow()
  }

  #follow() {
    const {picture, viewport} = this
    this.listen(picture, 'state', () => this.changed())
    this.listen(picture, 'painted', () => viewport.redraw())
    this.listen(picture, 'picture', e => {
      this.pan = null
      this.tool.forget()
      viewport.measure()
      if (e.detail) viewport.fit()
    })
  }

  // Listen until `end`
  listen(target, what, act, options = {}) {
    target.addEventListener(what, act, {signal: this.#over.signal, ...options})
  }

  end() {
    this.#over.abort()
    this.viewport.end()
  }

  // Panel and viewport are to be brought up to date
  changed() { this.dispatchEvent(new Event('change')) }

  // -- to Python

  // Ask Python for something else than a stroke; not while it is at such a thing, or a shape is half drawn
  command(what, content) {
    const drawing = this.tool.busy && !this.pan
    if (!this.picture.locked && !drawing) this.picture.send(what, content)
  }

  // A double click must not decide about the next image unseen
  decide(what) {
    if (performance.now()-this.picture.since > 250) this.command(what)
  }

  // -- choices

  take(tool) {
    this.cancel()
    this.tool = tool
    this.changed()
  }

  choose(c) {
    this.chosen = c
    this.changed()
  }

  resize(size) {
    this.size = Math.min(500, Math.max(1, Math.round(size) || this.size))
    this.changed()
  }

  grow(direction) { this.resize(this.size + direction*Math.max(1, Math.round(this.size/8))) }

  fade(percent) {
    this.opacity = Math.min(100, Math.max(0, percent))/100
    this.changed()
  }

  hide() {
    this.hidden = !this.hidden
    this.changed()
  }

  hold(space) {
    this.space = space
    this.changed()
  }

  // -- what has begun

  // Forget what the pointer has begun; a stroke is taken off again
  cancel() {
    this.pan = null
    this.tool.cancel()
  }

  // Esc: forget what has begun, or where nothing has, put the tool away
  leave() {
    if (this.pan || this.tool.busy) this.cancel()
    else this.tool = this.tools.look
    this.changed()
  }

  close() {
    if (!this.pan) this.tool.close()
    this.changed()
  }

  takeBack() {
    if (this.pan || !this.tool.busy) return
    this.tool.takeBack()
    this.changed()
  }
}

// ---- The viewport: zoom, pan, and the layers that are drawn ---------------------------------------------------------

class Viewport {
  fitted = 1  // CSS pixels per image pixel where the whole image is shown
  scale = 1   // CSS pixels per image pixel
  x = 0       // place of the image's corner on the stage, CSS pixels
  y = 0
  ratio = 1   // device pixels per CSS pixel
  #due = 0

  constructor(editor) {
    this.editor = editor
    this.canvas = make('canvas')
    this.top = make('canvas', {'aria-label': 'Image and mask'})
    this.hint = make('div', {class: 'rbc-hint'})
    this.problem = make('div', {class: 'rbc-problem', role: 'alert'})
    this.stage = make('div', {class: 'rbc-stage'}, this.canvas, this.top, this.hint, this.problem)
    this.resized = new ResizeObserver(() => this.measure())
    this.resized.observe(this.stage)
  }

  end() { this.resized.disconnect() }

  update(state) {
    const {picture, tool, tools, space, pan} = this.editor
    const empty = state.n ? '' : 'No image is left under this filter.'
    this.problem.textContent = state.problem || picture.problem || empty
    this.hint.textContent = pan ? tool.prompt : tool.hint
    this.top.className = space || pan || tool === tools.look ? 'rbc-grab' : 'rbc-cross'
  }

  // -- places

  // Where on the stage a pointer event is, CSS pixels
  within(e) {
    const r = this.top.getBoundingClientRect()
    return {x: e.clientX-r.left, y: e.clientY-r.top}
  }

  // Where in the image a pointer event is
  spot(e) {
    const {x, y} = this.within(e)
    return {x: (x-this.x)/this.scale, y: (y-this.y)/this.scale}
  }

  // Are two places in the image less than `px` CSS pixels from each other?
  near(a, b, px) { return Math.hypot(a.x-b.x, a.y-b.y)*this.scale < px }

  // -- zoom and pan

  // Take the size of the stage anew
  measure() {
    const {clientWidth: w, clientHeight: h} = this.stage
    if (!w || !h) return
    const {picture} = this.editor
    const whole = this.scale === this.fitted
    this.#resizeCanvases(w, h)
    this.fitted = picture.width ? Math.min(w/picture.width, h/picture.height) : 1
    if (whole) this.scale = this.fitted
    this.#place()
  }

  #resizeCanvases(w, h) {
    this.ratio = window.devicePixelRatio || 1
    const width = Math.round(w*this.ratio)
    const height = Math.round(h*this.ratio)
    for (const canvas of [this.canvas, this.top]) {
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, {width, height})
    }
  }

  // Where the image is smaller than the stage it is in the middle, elsewhere it leaves no gap
  #place() {
    const {clientWidth: w, clientHeight: h} = this.stage
    const {picture} = this.editor
    const keep = (at, room, length) => {
      if (room >= length) return (room-length)/2
      return Math.min(0, Math.max(room-length, at))
    }
    this.x = keep(this.x, w, picture.width*this.scale)
    this.y = keep(this.y, h, picture.height*this.scale)
    this.editor.changed()
  }

  // Zoom so that the place (x, y) of the stage keeps what it shows
  zoom(by, x = this.stage.clientWidth/2, y = this.stage.clientHeight/2) {
    const scale = Math.max(this.fitted, Math.min(40, this.scale*by))
    const growth = scale/this.scale
    this.scale = scale
    this.x = x - (x-this.x)*growth
    this.y = y - (y-this.y)*growth
    this.#place()
  }

  fit() {
    this.scale = this.fitted
    this.#place()
  }

  pan(dx, dy) {
    this.x += dx
    this.y += dy
    this.#place()
  }

  // -- drawing

  redraw() { this.#due ||= requestAnimationFrame(() => this.#draw()) }

  #draw() {
    this.#due = 0
    if (!this.canvas.width) return
    this.#drawPicture(this.#cleared(this.canvas))
    this.#drawOutline(this.#cleared(this.top))
    this.editor.dispatchEvent(new Event('drawn'))
  }

  // The context of a canvas that is emptied, in image pixels
  #cleared(canvas) {
    const context = canvas.getContext('2d')
    const scale = this.scale*this.ratio
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.clearRect(0, 0, canvas.width, canvas.height)
    context.setTransform(scale, 0, 0, scale, Math.round(this.x*this.ratio), Math.round(this.y*this.ratio))
    return context
  }

  #drawPicture(context) {
    const {picture, hidden, opacity} = this.editor
    context.imageSmoothingEnabled = this.scale*this.ratio < 1.5
    context.imageSmoothingQuality = 'medium'
    if (picture.bitmap) context.drawImage(picture.bitmap, 0, 0)
    context.globalAlpha = hidden ? 0 : opacity
    if (picture.layer) context.drawImage(picture.layer, 0, 0)
    context.globalAlpha = 1
  }

  // The brush, or the cell that is being drawn: black and white, to be seen on everything
  #drawOutline(context) {
    const {tool, pan} = this.editor
    context.beginPath()
    if (!pan) tool.outline(context)
    for (const [px, color] of [[3, 'rgba(0,0,0,.7)'], [1.25, 'white']]) {
      context.lineWidth = px/this.scale
      context.strokeStyle = color
      context.stroke()
    }
  }
}

// ---- The tools: all have the methods of the first, which does nothing -----------------------------------------------

class Tool {
  prompt = ''  // the hint while nothing has begun

  constructor(name, editor) {
    this.name = name
    this.editor = editor
    this.picture = editor.picture
  }

  get busy() { return false }        // has something begun?
  get dragging() { return false }    // is the button down for it?
  get hint() { return this.prompt }
  begin(point) {}                    // the button goes down
  move(point, path) {}               // the pointer moves to `point` along `path`, after something has begun
  end(point) {}                      // the button comes up
  close() {}                         // Enter, or a double click
  takeBack() {}                      // Backspace
  forget() {}                        // nothing has begun any more
  cancel() { this.forget() }         // the same, and the mask is as it was
  outline(context) {}                // the path to be drawn over the image

  // Add a cell, which is all that has begun
  addCell(shape) {
    this.forget()
    if (this.picture.locked) return
    const before = this.picture.mask.slice()
    const box = this.picture.paint(shape, CELL)
    this.picture.commit(this.name, before, box)
  }
}

// Its drag is the viewport's
class Look extends Tool {
  label = 'Look'
  key = 'l'
  help = 'Drag moves the image'
}

class Brush extends Tool {
  label = 'Brush'
  key = 'b'
  help = 'Paints the class chosen below'
  #before = null  // the mask before the stroke
  #box = NOWHERE  // what the stroke may have changed
  #last = null    // where the stroke is
  #change = null  // what each class becomes

  get busy() { return this.#before !== null }
  get dragging() { return this.busy }
  table(c) { return painted(c) }

  begin(point) {
    this.#before = this.picture.mask.slice()
    this.#box = NOWHERE
    this.#last = this.#snap(point)
    this.#change = this.table(this.editor.chosen)
    this.#extend(point)
  }

  move(point, path) {
    for (const p of path) this.#extend(p)
  }

  end() {
    if (!this.busy) return
    if (this.picture.loading) return this.cancel()
    const before = this.#before
    this.forget()
    this.picture.commit(this.name, before, this.#box)
  }

  forget() { this.#before = null }

  cancel() {
    const before = this.#before
    const {picture} = this
    this.forget()
    if (!before || before.length !== picture.mask?.length || isEmpty(this.#box)) return
    picture.mask.set(before)
    picture.changed(this.#box)
  }

  outline(context) {
    const {pointer, space, size} = this.editor
    if (!pointer || space || !this.picture.mask) return
    const {x, y} = this.#snap(pointer)
    context.arc(x, y, size/2, 0, 7)
  }

  #extend(point) {
    const to = this.#snap(point)
    const box = this.picture.paint(stroke(this.#last, to, this.editor.size/2), this.#change)
    this.#last = to
    if (!isEmpty(box)) this.#box = union(this.#box, box)
  }

  // A brush of odd width is centred on a pixel, one of even width on a corner, so that it always has the same shape
  #snap({x, y}) {
    if (this.editor.size % 2) return {x: Math.floor(x)+.5, y: Math.floor(y)+.5}
    return {x: Math.round(x), y: Math.round(y)}
  }
}

class Eraser extends Brush {
  label = 'Eraser'
  key = 'e'
  help = 'Takes the class chosen below away, and no other: rbc and unknown become background, overlap becomes rbc'

  table(c) { return erased(c) }
}

class Fill extends Tool {
  label = 'Fill'
  key = 'f'
  help = 'Gives the class chosen below to the area that is clicked'

  begin(point) {
    const {picture} = this
    const {width, height, mask, all} = picture
    const x = Math.floor(point.x)
    const y = Math.floor(point.y)
    if (x < 0 || y < 0 || x >= width || y >= height) return
    const before = mask.slice()
    flood(mask, width, height, x, y, this.editor.chosen)
    picture.changed(all)
    picture.commit(this.name, before, all)
  }
}

class Ellipse extends Tool {
  label = 'Ellipse'
  key = 'o'
  help = 'Adds a cell: drag along its long axis, then move to set its width, and click'
  prompt = 'Drag along the long axis of a cell'
  #a = null     // ends of the long axis
  #b = null
  #side = null  // a point as far from it as the ellipse is wide

  get busy() { return this.#a !== null }
  get dragging() { return this.busy && !this.#side }
  get hint() { return this.#side ? 'Move to set the width, click to add the cell · Esc cancels' : this.prompt }

  begin(point) {
    if (this.#side) return this.#add()
    this.#a = point
    this.#b = point
  }

  move(point) {
    if (this.#side) this.#side = point
    else this.#b = point
  }

  end(point) {
    if (!this.dragging) return
    if (this.editor.viewport.near(this.#a, this.#b, 4)) this.forget()
    else this.#side = point
  }

  forget() {
    this.#a = null
    this.#b = null
    this.#side = null
  }

  outline(context) {
    if (!this.busy) return
    const a = this.#a
    const b = this.#b
    context.moveTo(a.x, a.y)
    context.lineTo(b.x, b.y)
    if (!this.#side) return
    const {x, y, ux, uy, long, wide} = axes(a, b, this.#side)
    context.moveTo(b.x, b.y)
    context.ellipse(x, y, long, wide, Math.atan2(uy, ux), 0, 2*Math.PI)
  }

  #add() {
    const form = axes(this.#a, this.#b, this.#side)
    if (form.wide >= .5) this.addCell(ellipse(form))
  }
}

class Polygon extends Tool {
  label = 'Polygon'
  key = 'p'
  help = 'Adds a cell: click its corners; double click or Enter closes it'
  prompt = 'Click the corners of a cell'
  #corners = []

  get busy() { return this.#corners.length > 0 }
  get hint() {
    if (!this.busy) return this.prompt
    return 'Enter or double click adds the cell · Backspace takes a corner back · Esc cancels'
  }

  begin(point) {
    const corners = this.#corners
    const {viewport} = this.editor
    if (corners.length > 2 && viewport.near(point, corners[0], 8)) return this.close()
    if (!corners.length || !viewport.near(point, corners.at(-1), 3)) corners.push(point)
  }

  close() {
    if (this.#corners.length > 2) this.addCell(polygon(this.#corners))
  }

  takeBack() { this.#corners.pop() }

  forget() { this.#corners = [] }

  outline(context) {
    const corners = this.#corners
    if (!corners.length) return
    const pointer = this.editor.pointer ?? corners[0]
    for (const {x, y} of [...corners, pointer]) context.lineTo(x, y)
    if (corners.length > 1) context.closePath()
  }
}

const TOOLS = {look: Look, brush: Brush, eraser: Eraser, fill: Fill, ellipse: Ellipse, polygon: Polygon}

// ---- The pointer: leads the tool, or moves the image ----------------------------------------------------------------

class Pointer {
  constructor(editor) {
    this.editor = editor
    this.viewport = editor.viewport
    const on = (what, act, options) => editor.listen(this.viewport.top, what, act, options)
    on('pointerdown', e => this.#down(e))
    on('pointermove', e => this.#move(e))
    on('pointerup', () => this.#up())
    on('pointercancel', () => this.#cancel())
    on('pointerleave', () => this.#leave())
    on('dblclick', () => editor.close())
    on('wheel', e => this.#wheel(e), {passive: false})
  }

  #down(e) {
    const {editor} = this
    const {tool, tools} = editor
    const left = e.button === 0
    editor.pointer = this.viewport.spot(e)
    if (editor.pan || tool.dragging) return
    if (e.button === 1 || left && (editor.space || tool === tools.look)) editor.pan = e
    else if (left && editor.picture.mask && !editor.picture.locked) tool.begin(editor.pointer)
    if (editor.pan || tool.busy) this.viewport.top.setPointerCapture(e.pointerId)
    editor.changed()
  }

  #move(e) {
    const {editor, viewport} = this
    editor.pointer = viewport.spot(e)
    if (editor.pan) this.#pan(e)
    else if (editor.tool.busy) editor.tool.move(editor.pointer, this.#path(e))
    viewport.redraw()
  }

  #pan(e) {
    const {clientX, clientY} = this.editor.pan
    this.viewport.pan(e.clientX-clientX, e.clientY-clientY)
    this.editor.pan = e
  }

  // Where the pointer was since the last event, which the browser may have put together from several
  #path(e) {
    const events = e.getCoalescedEvents?.() ?? []
    return (events.length ? events : [e]).map(p => this.viewport.spot(p))
  }

  #up() {
    const {editor} = this
    if (editor.pan) editor.pan = null
    else editor.tool.end(editor.pointer)
    editor.changed()
  }

  #cancel() {
    this.editor.cancel()
    this.editor.changed()
  }

  #leave() {
    this.editor.pointer = null
    this.viewport.redraw()
  }

  #wheel(e) {
    e.preventDefault()
    const {x, y} = this.viewport.within(e)
    const pixels = e.deltaY*(e.deltaMode ? 20 : 1)
    this.viewport.zoom(Math.exp(-pixels*.002), x, y)
  }
}

// ---- The keyboard ---------------------------------------------------------------------------------------------------

const ARROWS = {ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓'}

// The key that was pressed, as it is written on the buttons
function pressed(e) {
  const shift = e.shiftKey ? '⇧' : ''
  const digit = !e.getModifierState('AltGraph') && /^Digit(\d)$/.exec(e.code)
  if (digit) return shift + digit[1]
  const arrow = ARROWS[e.key]
  if (arrow) return shift + arrow
  return {'=': '+', Escape: 'Esc'}[e.key] ?? e.key.toLowerCase()
}

class Keyboard {
  #keys = new Map()    // key → {press, repeat}
  #inputs = new Map()  // field to type into → what it had before

  constructor(editor) {
    const {viewport} = editor
    this.editor = editor
    this.set('Esc', () => editor.leave())
    this.set('enter', () => editor.close())
    this.set('backspace', () => editor.takeBack())
    this.set('⇧←', () => viewport.pan(80, 0), true)
    this.set('⇧→', () => viewport.pan(-80, 0), true)
    this.set('⇧↑', () => viewport.pan(0, 80), true)
    this.set('⇧↓', () => viewport.pan(0, -80), true)
  }

  set(key, press, repeat = false) { this.#keys.set(key, {press, repeat}) }

  // A field to type into: its keys are its own, and Escape gives it what `stored` says
  field(input, stored) { this.#inputs.set(input, stored) }

  // A button with its key; the key presses the button, so both always do the same
  button(name, key, hint, act, {label = name, repeat = false} = {}) {
    const says = hint || name
    const b = make('button', {
      type: 'button',
      'aria-label': `${says} (key ${key})`,
      'aria-keyshortcuts': key.replace('⇧', 'Shift+'),
      title: `${says} (${key})`,
    })
    b.append(label, make('kbd', {}, key.length > 1 ? key : key.toUpperCase()))
    b.addEventListener('click', act)
    this.set(key, () => b.disabled || b.click(), repeat)
    return b
  }

  // JupyterLab listens on the document, so what is ours has to be caught before, at the window
  attach(root) {
    const {editor} = this
    this.root = root
    editor.listen(window, 'keydown', e => this.#down(e), {capture: true})
    editor.listen(window, 'keyup', e => {
      if (e.key === ' ' && editor.space) editor.hold(false)
    })
    editor.listen(root, 'focusout', e => {
      if (editor.space && !root.contains(e.relatedTarget)) editor.hold(false)
    })
    editor.listen(root, 'mousedown', e => {
      if (e.target.closest('input')) return
      e.preventDefault()
      this.#focus()
    })
    editor.listen(root, 'click', () => {
      if (!root.contains(document.activeElement)) this.#focus()
    })
  }

  #focus() { this.root.focus({preventScroll: true}) }

  #down(e) {
    if (!this.root.contains(e.target)) return
    const typing = this.#inputs.has(e.target)
    const graph = e.getModifierState('AltGraph')
    const ctrl = (e.ctrlKey || e.metaKey) && !graph
    if (ctrl && !typing && /^[zy]$/i.test(e.key)) return this.#undoOrRedo(e)
    if (ctrl || e.altKey && !graph || e.key === 'Tab') return
    e.stopImmediatePropagation()
    if (typing) this.#typed(e)
    else if (!this.#isForControl(e)) this.#press(e)
  }

  #undoOrRedo(e) {
    e.preventDefault()
    e.stopImmediatePropagation()
    const undo = e.key.toLowerCase() === 'z' && !e.shiftKey
    this.#keys.get(undo ? 'u' : 'y').press()
  }

  // Enter takes what was typed, Escape takes it back; both return to the image
  #typed(e) {
    if (e.key !== 'Enter' && e.key !== 'Escape') return
    e.preventDefault()
    if (e.key === 'Escape') e.target.value = this.#inputs.get(e.target)()
    this.#focus()
  }

  // Buttons and the slider have keys by the browser
  #isForControl(e) {
    if (e.target.matches('button')) return /^(Enter| )$/.test(e.key)
    return e.target.matches('input') && /^(Arrow|Home|End|Page)/.test(e.key)
  }

  #press(e) {
    const key = pressed(e)
    const known = this.#keys.get(key)
    if (!known && key.length > 1) return
    e.preventDefault()
    if (key === ' ') this.editor.hold(true)
    else if (!e.repeat || known?.repeat) known?.press()
  }
}

// ---- The panel: parts with an `element` or several, and `update`, which brings them up to date ----------------------

const EYE = `<svg viewBox="0 0 16 16" aria-hidden="true">` +
  `<path d="M1 8s2.6-4.5 7-4.5S15 8 15 8s-2.6 4.5-7 4.5S1 8 1 8z"/><circle cx="8" cy="8" r="2"/></svg>`
const DECISIONS = ['accept', 'reject', 'skip']
const DONE = {accept: 'accepted', reject: 'rejected', skip: 'skipped', '': 'undecided'}
const FILTERS = {all: 'All', undecided: 'Undecided', rejected: 'Rejected', flagged: 'Flagged'}

function make(tag, attributes = {}, ...inside) {
  const e = document.createElement(tag)
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v)
  e.append(...inside)
  return e
}

const row = (classes, ...inside) => make('div', {class: classes}, ...inside)
const group = (name, ...inside) => make('div', {role: 'group', 'aria-label': name, class: 'rbc-group'}, ...inside)
const section = (title, ...inside) => make('section', {}, make('h4', {}, ...title), ...inside)

function eye() {
  const e = make('span', {class: 'rbc-eye'})
  e.innerHTML = EYE
  return e
}

const mark = (button, on) => { button.ariaPressed = String(on) }

// Fields that are typed into keep what is typed
function fill(input, value) {
  if (document.activeElement !== input) input.value = value
}

// Which image is shown, and which filter is set
class Walk {
  constructor(editor, keyboard) {
    this.editor = editor
    this.back = keyboard.button('Back', '←', 'Previous image', () => editor.command('back'), {repeat: true})
    this.next = keyboard.button('Next', '→', 'Next image', () => editor.command('next'), {repeat: true})
    this.at = make('input', {
      type: 'number', min: 1, 'aria-label': 'Number of the image (key g)', title: 'Go to an image (g)',
    })
    this.n = make('span')
    this.filters = group('Filter (key v)')
    const place = make('span', {class: 'rbc-place'}, this.at, this.n)
    this.element = row('rbc-row', group('Image', this.back, this.next), place, this.filters)
    keyboard.set('g', () => this.at.select())
    keyboard.set('v', () => this.#nextFilter())
    keyboard.field(this.at, () => editor.picture.state.at+1)
    editor.listen(this.at, 'change', () => this.#go())
  }

  update(state) {
    fill(this.at, state.n ? state.at+1 : '')
    this.at.max = state.n
    this.n.textContent = `of ${state.n}`
    this.back.disabled = !state.n
    this.next.disabled = !state.n
    if (this.filters.childElementCount !== state.filters.length) this.#makeFilters(state.filters)
    state.filters.forEach((filter, i) => this.#updateFilter(this.filters.children[i], filter, state.filter))
  }

  #makeFilters(filters) {
    const buttons = filters.map(({name}) => {
      const b = make('button', {type: 'button', 'data-filter': name})
      b.addEventListener('click', () => this.editor.command('filter', {filter: name}))
      return b
    })
    this.filters.replaceChildren(...buttons)
  }

  #updateFilter(button, {name, n}, now) {
    const says = `Show ${name} images: ${n} (key v)`
    button.replaceChildren(FILTERS[name] ?? name, make('small', {}, n))
    button.title = says
    button.ariaLabel = says
    button.disabled = !n && name !== now
    mark(button, name === now)
  }

  #nextFilter() {
    const all = [...this.filters.children]
    const now = all.findIndex(b => b.ariaPressed === 'true')
    const others = [...all.slice(now+1), ...all]
    others.find(b => !b.disabled)?.click()
  }

  #go() {
    const {state} = this.editor.picture
    const number = Math.max(1, Math.round(+this.at.value) || 1)
    const at = Math.min(state.n, number) - 1
    if (at !== state.at) this.editor.command('go', {at})
    this.editor.changed()
  }
}

// What is known about the image
class About {
  constructor(editor) {
    this.picture = editor.picture
    this.name = make('b')
    this.decision = make('span', {class: 'rbc-pill'})
    this.painted = make('span', {class: 'rbc-pill', hidden: ''}, 'repainted')
    this.doubt = make('span', {class: 'rbc-doubt'})
    this.element = row('rbc-row rbc-what', this.name, this.decision, this.painted, this.doubt)
  }

  update(state) {
    this.name.textContent = state.name
    this.name.title = state.name
    this.decision.textContent = DONE[state.decision]
    this.decision.dataset.decision = state.decision
    this.painted.hidden = !state.painted && !this.picture.strokes
    this.doubt.replaceChildren(...this.#inDoubt(state))
    this.doubt.title = this.doubt.textContent
    this.doubt.classList.toggle('rbc-flagged', state.flagged)
  }

  #inDoubt({doubt, reason, flagged}) {
    if (doubt == null) return []
    const what = flagged ? 'Flagged, doubt' : 'Doubt'
    return [make('b', {}, `${what} ${doubt.toFixed(2)}`), ` ${reason}`]
  }
}

// How much of the folder is decided
class Progress {
  constructor() {
    const parts = DECISIONS.map(d => make('i', {class: `rbc-${d}`}))
    const says = {role: 'progressbar', 'aria-label': 'Decided images', 'aria-valuemin': 0}
    this.bar = make('div', {class: 'rbc-progress', ...says}, ...parts)
    this.counts = make('span', {class: 'rbc-counts'})
    this.element = row('rbc-row rbc-done', this.bar, this.counts)
  }

  update({counts, total}) {
    const decided = total - counts.undecided
    const each = DECISIONS.filter(d => counts[d]).map(d => ` · ${counts[d]} ${DONE[d]}`)
    DECISIONS.forEach((d, i) => { this.bar.children[i].style.width = `${100*counts[d]/total}%` })
    this.bar.ariaValueMax = total
    this.bar.ariaValueNow = decided
    this.counts.textContent = `${decided} of ${total} decided` + each.join('')
  }
}

class ToolSection {
  constructor(editor, keyboard) {
    this.editor = editor
    this.buttons = Object.values(editor.tools).map(tool => {
      const {label, key, help} = tool
      return [tool, keyboard.button(label, key, `${label}: ${help}`, () => editor.take(tool))]
    })
    this.element = section(['Tool'], group('Tool', ...this.buttons.map(([, button]) => button)))
  }

  update() {
    const {picture, tool: taken, tools} = this.editor
    for (const [tool, button] of this.buttons) {
      button.disabled = !picture.mask && tool !== tools.look
      mark(button, tool === taken)
    }
  }
}

// For each class one button that chooses it, and another that shows and hides it
class ClassSection {
  constructor(editor, keyboard) {
    this.editor = editor
    this.keyboard = keyboard
    this.buttons = group('Class')
    this.element = section(['Class'], this.buttons)
  }

  update({classes}) {
    const {picture, chosen} = this.editor
    if (!this.buttons.childElementCount) this.#makeButtons(classes)
    for (const b of this.buttons.children) {
      const {layer, value} = b.dataset
      mark(b, layer ? !picture.hidden.has(+layer) : +value === chosen)
    }
  }

  // The background is the last one, and has no layer
  #makeButtons(classes) {
    const order = [...classes.filter(c => c.value), ...classes.filter(c => !c.value)]
    order.forEach((c, i) => {
      this.buttons.append(this.#chooser(c, `${i+1}`))
      if (c.value) this.buttons.append(this.#layerButton(c, `⇧${i+1}`))
    })
  }

  #chooser({value, name, color}, key) {
    const kind = value === UNKNOWN ? ' rbc-unknown' : ''
    const swatch = make('i', {class: `rbc-swatch${kind}`, style: value ? `--rbc-color: rgb(${color})` : ''})
    const b = this.keyboard.button(name, key, `Class ${name}`, () => this.editor.choose(value))
    b.prepend(swatch)
    b.dataset.value = value
    return b
  }

  #layerButton({value, name}, key) {
    const b = this.keyboard.button(name, key, `Show or hide ${name}`, () => this.#toggle(value), {label: eye()})
    b.dataset.layer = value
    return b
  }

  #toggle(value) {
    const {picture} = this.editor
    if (!picture.hidden.delete(value)) picture.hidden.add(value)
    picture.color()
    picture.tell('painted')
    picture.tell('state')
  }
}

class BrushSection {
  constructor(editor, keyboard) {
    const says = {'aria-label': 'Width of brush and eraser in pixels', title: 'Width of brush and eraser, px'}
    const smaller = {label: '−', repeat: true}
    const larger = {label: '+', repeat: true}
    this.editor = editor
    this.size = make('input', {type: 'number', min: 1, max: 500, ...says})
    const line = row('rbc-line',
      keyboard.button('Smaller', '[', 'Smaller brush', () => editor.grow(-1), smaller),
      this.size,
      keyboard.button('Larger', ']', 'Larger brush', () => editor.grow(1), larger))
    this.element = section(['Brush', make('span', {}, 'px')], line)
    keyboard.field(this.size, () => editor.size)
    editor.listen(this.size, 'change', () => editor.resize(+this.size.value))
  }

  update() { fill(this.size, this.editor.size) }
}

class MaskSection {
  constructor(editor, keyboard) {
    const says = {'aria-label': 'Opacity of the mask (keys , and .)', title: 'Opacity of the mask (, and .)'}
    const fainter = {label: '−', repeat: true}
    const stronger = {label: '+', repeat: true}
    this.editor = editor
    this.opacity = make('input', {type: 'range', min: 0, max: 100, value: this.#percent, ...says})
    this.says = make('span')
    this.hide = keyboard.button('Mask', 'h', 'Show or hide the whole mask', () => editor.hide(), {label: eye()})
    const line = row('rbc-line',
      keyboard.button('Fainter', ',', 'Fainter mask', () => editor.fade(this.#percent-10), fainter),
      keyboard.button('Stronger', '.', 'Stronger mask', () => editor.fade(this.#percent+10), stronger),
      this.hide)
    this.element = section(['Mask', this.says], line, this.opacity)
    editor.listen(this.opacity, 'input', () => editor.fade(+this.opacity.value))
  }

  get #percent() { return Math.round(100*this.editor.opacity) }

  update() {
    const {hidden} = this.editor
    this.opacity.value = this.#percent
    this.says.textContent = hidden ? 'hidden' : `${this.#percent} %`
    mark(this.hide, !hidden)
  }
}

class ZoomSection {
  constructor({viewport}, keyboard) {
    this.viewport = viewport
    this.percent = make('span')
    const line = row('rbc-line',
      keyboard.button('Zoom out', '-', '', () => viewport.zoom(1/1.5), {label: '−', repeat: true}),
      keyboard.button('Zoom in', '+', '', () => viewport.zoom(1.5), {label: '+', repeat: true}),
      keyboard.button('Fit', '0', 'The whole image', () => viewport.fit()))
    this.element = section(['Zoom', this.percent], line)
  }

  update() { this.percent.textContent = `${Math.round(100*this.viewport.scale)} %` }
}

// What went wrong
class Trouble {
  constructor(editor) {
    this.picture = editor.picture
    this.element = make('div', {class: 'rbc-error', role: 'alert'})
  }

  update({error}) {
    const {late, strokes} = this.picture
    const unsaved = `${strokes || 'no'} stroke${strokes === 1 ? '' : 's'}`
    const waits = `No answer from the kernel yet: it is busy, or gone. Not saved: ${unsaved}.`
    this.element.textContent = late ? waits : error
  }
}

class Deciding {
  constructor(editor, keyboard) {
    this.buttons = {
      accept: keyboard.button('Accept', 'a', 'Accept the mask', () => editor.decide('accept')),
      reject: keyboard.button('Reject', 'r', 'Reject the mask', () => editor.decide('reject')),
      skip: keyboard.button('Skip', 's', 'Skip the image', () => editor.decide('skip')),
    }
    this.element = group('Decision', ...Object.values(this.buttons))
  }

  update(state) {
    for (const [decision, button] of Object.entries(this.buttons)) {
      button.disabled = !state.n
      mark(button, state.decision === decision)
    }
  }
}

class History {
  constructor(editor, keyboard) {
    this.picture = editor.picture
    this.undo = keyboard.button('Undo', 'u', 'Undo the last stroke or decision', () => editor.command('undo'))
    this.redo = keyboard.button('Redo', 'y', 'Redo the stroke', () => editor.command('redo'))
    this.element = group('History', this.undo, this.redo)
  }

  update(state) {
    const {strokes} = this.picture
    this.undo.disabled = !state.can_undo && !strokes
    this.redo.disabled = !state.can_redo || strokes > 0
  }
}

class Note {
  constructor(editor, keyboard) {
    const says = {placeholder: 'Note (N)', 'aria-label': 'Note on the image (key n)', 'aria-keyshortcuts': 'n'}
    this.picture = editor.picture
    this.element = make('input', {type: 'text', ...says, maxlength: 2000})
    keyboard.set('n', () => this.element.focus())
    keyboard.field(this.element, () => this.picture.state.note)
    editor.listen(this.element, 'blur', () => this.#send())
  }

  update({name, note, n}) {
    const input = this.element
    input.disabled = !n
    if (document.activeElement === input && input.dataset.name === name) return
    if (!this.picture.noting) input.value = note
    input.dataset.name = name
  }

  #send() {
    const {note, name} = this.picture.state
    const {value, dataset} = this.element
    if (value !== note && dataset.name === name) this.picture.send('note', {text: value})
  }
}

class Saved {
  constructor(editor) {
    this.picture = editor.picture
    this.element = make('span', {class: 'rbc-saved', role: 'status'})
  }

  update() {
    const busy = this.picture.waiting.size > 0
    this.element.textContent = busy ? 'saving …' : 'all saved'
    this.element.classList.toggle('rbc-busy', busy)
  }
}

class Panel {
  constructor(editor, keyboard) {
    const head = [Walk, About, Progress]
    const sections = [ToolSection, ClassSection, BrushSection, MaskSection, ZoomSection]
    const deciding = [Deciding, History, Note, Saved]
    this.editor = editor
    this.parts = [editor.viewport]
    const add = kinds => {
      const parts = kinds.map(Kind => new Kind(editor, keyboard))
      this.parts.push(...parts)
      return parts.map(part => part.element)
    }
    const says = {role: 'application', 'aria-label': 'Review of masks'}
    this.root = make('div', {class: 'rbc-review', tabindex: 0, ...says},
      ...add(head),
      row('rbc-row', ...add(deciding)),
      row('rbc-body', row('rbc-panel', ...add(sections)), editor.viewport.stage),
      ...add([Trouble])) // last, so that the picture stays where it is when a message comes or goes
    editor.listen(editor, 'change', () => this.update())
    editor.listen(editor, 'drawn', () => this.#tellShown())
  }

  update() {
    const {state, waiting, loading} = this.editor.picture
    if (!state.classes) return
    for (const part of this.parts) part.update(state)
    this.root.toggleAttribute('data-busy', waiting.size > 0 || loading)
  }

  // For who looks from outside: which picture is on the screen, and where
  #tellShown() {
    const {picture, viewport: {scale, x, y}} = this.editor
    this.root.dataset.shown = picture.shown
    this.root.dataset.view = JSON.stringify([scale, x, y])
  }
}

// ---- What anywidget calls -------------------------------------------------------------------------------------------

function show(picture, el) {
  const editor = new Editor(picture)
  const keyboard = new Keyboard(editor)
  const panel = new Panel(editor, keyboard)
  editor.listen(editor, 'change', () => editor.viewport.redraw())
  new Pointer(editor)
  keyboard.attach(panel.root)
  el.append(panel.root)
  editor.viewport.measure()
  return () => {
    editor.end()
    panel.root.remove()
  }
}

export default () => {
  let picture
  return {
    initialize({model}) { picture = new Picture(model) },
    render({el}) { return show(picture, el) },
  }
}
