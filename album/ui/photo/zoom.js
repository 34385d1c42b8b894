// Zoom and movement of the photo on the stage, by wheel, pointers and fingers.
// Lengths are CSS pixels. `scale` is CSS pixels for one pixel of the photo.

const DOUBLE_MS = 300;
const MOVED_PX = 8;
const SWIPE_PX = 56;
const MOST_PER_PIXEL = 8; // screen pixels for one pixel of the photo, at the most

/**
 * Handles the photo inside `frame`.
 * `on` has what follows a gesture: step(+1 or -1), close(), up(), tap() and change().
 */
function makeZoom(frame, on) {
  let photo = null; // {width, height}
  let image = null;
  let scale = 1, x = 0, y = 0; // x, y: the corner of the image in the frame
  let fitted = true;
  let gone = 0; // how far a swipe has moved the photo

  const size = () => ({ width: frame.clientWidth, height: frame.clientHeight });
  const fit = () => Math.min(size().width / photo.width, size().height / photo.height) || 1;
  const actual = () => 1 / devicePixelRatio;
  const most = () => Math.max(4 * fit(), MOST_PER_PIXEL * actual());

  function place() {
    if (!photo || !image) return;
    const within = size();
    if (fitted) scale = fit();
    const width = photo.width * scale, height = photo.height * scale;
    const held = (at, length, room) =>
      length <= room ? (room - length) / 2 : Math.min(0, Math.max(room - length, at));
    x = held(x, width, within.width);
    y = held(y, height, within.height);
    image.style.width = `${width}px`;
    image.style.height = `${height}px`;
    image.style.transform = `translate(${x}px, ${y}px)`;
    frame.classList.toggle('zoomed', !fitted);
    on.change();
  }

  /** Zooms around a point of the frame, by default its middle. */
  function zoomTo(wanted, cx = size().width / 2, cy = size().height / 2) {
    if (!photo) return;
    const next = Math.min(most(), Math.max(fit(), wanted));
    x = cx - ((cx - x) * next) / scale;
    y = cy - ((cy - y) * next) / scale;
    scale = next;
    fitted = next <= fit() * 1.001;
    place();
  }

  /** Between the whole photo and 100 %, or twice as large where 100 % is no larger. */
  function toggle(cx, cy) {
    if (!fitted) return zoomTo(fit(), cx, cy);
    zoomTo(actual() > fit() * 1.1 ? actual() : 2 * fit(), cx, cy);
  }

  const within = (event) => {
    const box = frame.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  frame.addEventListener('wheel', (event) => {
    event.preventDefault();
    // A trackpad's pinch comes as small steps with ctrlKey.
    const lines = event.deltaMode === 1 ? 16 : 1;
    const speed = event.ctrlKey ? 0.01 : 0.002;
    zoomTo(scale * Math.exp(-event.deltaY * lines * speed), ...within(event));
  }, { passive: false });

  // Fingers and mouse
  const fingers = new Map();
  let start = null; // of the gesture: {at, x, y, way}
  let pinch = null;
  let tapped = { at: 0, x: 0, y: 0 };

  const middle = () => {
    const [a, b] = [...fingers.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.hypot(a.x - b.x, a.y - b.y) };
  };

  function swing(dx, dy, share) {
    frame.style.transition = share === null ? 'transform .18s, opacity .18s' : 'none';
    frame.style.transform = dx || dy ? `translate(${dx}px, ${dy}px)` : '';
    frame.style.opacity = share ? String(1 - share) : '';
  }

  frame.addEventListener('pointerdown', (event) => {
    if (event.button || !photo) return;
    const [px, py] = within(event);
    fingers.set(event.pointerId, { x: px, y: py });
    try { frame.setPointerCapture(event.pointerId); } catch { /* a pointer that a test made up */ }
    if (fingers.size === 2) {
      swing(0, 0, 0);
      start = null;
      pinch = middle();
    } else if (fingers.size === 1) {
      start = { at: event.timeStamp, x: px, y: py, way: fitted ? '' : 'pan' };
    }
  });

  frame.addEventListener('pointermove', (event) => {
    const finger = fingers.get(event.pointerId);
    if (!finger) return;
    const [px, py] = within(event);
    const [dx, dy] = [px - finger.x, py - finger.y];
    Object.assign(finger, { x: px, y: py });
    if (pinch && fingers.size === 2) {
      const now = middle();
      x += now.x - pinch.x;
      y += now.y - pinch.y;
      zoomTo((scale * now.apart) / (pinch.apart || 1), now.x, now.y);
      pinch = now;
      return;
    }
    if (!start) return;
    const [far, down] = [px - start.x, py - start.y];
    if (!start.moved && Math.hypot(far, down) < MOVED_PX) return;
    start.moved = true;
    if (start.way === 'pan') {
      x += dx;
      y += dy;
      return place();
    }
    if (event.pointerType === 'mouse') return; // a mouse has buttons and the wheel
    start.way = start.way || (Math.abs(far) > Math.abs(down) ? 'side' : 'down');
    // The frame moves with the finger, so positions in it are counted without that.
    if (start.way === 'side') gone = event.clientX - (start.clientX ??= event.clientX);
    else gone = event.clientY - (start.clientY ??= event.clientY);
    if (start.way === 'side') swing(gone, 0, 0);
    else swing(0, Math.max(0, gone), Math.max(0, gone) / 600);
  });

  function lift(event) {
    if (!fingers.delete(event.pointerId)) return;
    if (pinch) {
      if (fingers.size < 2) pinch = null;
      return;
    }
    const gesture = start;
    start = null;
    if (!gesture) return;
    if (event.type === 'pointercancel') return swing(0, 0, null);
    if (gesture.way === 'side' || gesture.way === 'down') {
      const quick = Math.abs(gone) / Math.max(1, event.timeStamp - gesture.at) > 0.4;
      const enough = Math.abs(gone) > (quick ? SWIPE_PX / 2 : SWIPE_PX);
      const distance = gone;
      gone = 0;
      swing(0, 0, null);
      if (!enough) return;
      if (gesture.way === 'side') on.step(distance < 0 ? 1 : -1);
      else if (distance > 0) on.close(); else on.up();
      return;
    }
    if (gesture.moved || event.pointerType === 'mouse') return;
    const [px, py] = within(event);
    const near = Math.hypot(px - tapped.x, py - tapped.y) < 30;
    clearTimeout(tapped.waits);
    if (near && event.timeStamp - tapped.at < DOUBLE_MS) {
      tapped = { at: 0, x: 0, y: 0 };
      toggle(px, py);
    } else {
      tapped = { at: event.timeStamp, x: px, y: py, waits: setTimeout(on.tap, DOUBLE_MS) };
    }
  }
  frame.addEventListener('pointerup', lift);
  frame.addEventListener('pointercancel', lift);
  let pointer = 'mouse';
  frame.addEventListener('pointerdown', (event) => { pointer = event.pointerType; }, true);
  frame.addEventListener('dblclick', (event) => {
    if (pointer === 'mouse') toggle(...within(event)); // a finger's double tap was handled above
  });
  new ResizeObserver(place).observe(frame);

  return {
    /** Shows an image of a photo, fitted unless it is a sharper one of the same photo. */
    show(next, element, same = false) {
      photo = next;
      image = element;
      if (!same) fitted = true;
      if (!same) swing(0, 0, 0);
      place();
    },
    zoomBy: (factor) => zoomTo(scale * factor),
    fit: () => zoomTo(fit()),
    actual: () => zoomTo(actual()),
    toggle,
    pan(dx, dy) { x += dx; y += dy; place(); },
    get fitted() { return fitted; },
    /** Screen pixels for one pixel of the photo. */
    get share() { return photo ? scale * devicePixelRatio : 0; },
  };
}
