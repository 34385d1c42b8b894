// Rail of years at the edge of the timeline: click, drag or keys jump. Its places are those of the
// page, so a year with many photos takes more of it.
window.album = window.album || {};
window.album.timelineRail = (jump) => {
  const YEAR_PX = 22; // labels that are nearer than this would touch
  const SNAP_PX = 12; // so near to a label, a click means its year
  const AWAKE_MS = 2_500; // how long a phone shows the handle after scrolling
  const make = (name, part) => Object.assign(document.createElement(name), { className: part });
  const rail = make('div', 'rail');
  const years = make('div', 'years');
  const mark = make('span', 'mark');
  const bubble = make('span', 'bubble');
  rail.append(years, mark, bubble);
  rail.tabIndex = 0;
  rail.setAttribute('role', 'slider');
  rail.setAttribute('aria-orientation', 'vertical');
  rail.hidden = true;
  let plan = null, words = null;
  let labels = []; // {place in [0, 1], month}
  let current = 0, dragging = false, sleep = 0;
  let chosen = null; // {month, at}: the last months cannot reach the top of the window

  const monthAt = (y) => {
    let month = 0;
    while (month + 1 < plan.months.length && plan.months[month + 1].top <= y + 1) month++;
    return month;
  };
  const percent = (share) => `${100 * share}%`;

  const drawYears = () => {
    const height = rail.clientHeight;
    let last = -Infinity;
    labels = [];
    let year = null;
    plan.months.forEach((head, month) => {
      if (words.year(head) === year) return;
      year = words.year(head);
      const place = head.top / plan.height;
      if (place * height - last < YEAR_PX) return;
      if (height - place * height < YEAR_PX && last > 0) return;
      last = place * height;
      labels.push({ place, month, year });
    });
    years.replaceChildren(...labels.map((label) => {
      const it = make('span', 'year');
      it.textContent = label.year;
      it.style.top = percent(label.place);
      return it;
    }));
  };

  // It ends where the window does, also while the head of the page is above it.
  const fit = () => {
    const height = Math.max(160, innerHeight - rail.getBoundingClientRect().top - 12);
    if (getComputedStyle(rail).position !== 'sticky' || Math.abs(height - rail.clientHeight) < 2) return;
    rail.style.height = `${height}px`;
    drawYears();
  };

  const show = (y) => {
    if (!plan || rail.hidden) return;
    fit();
    if (chosen && Math.abs(scrollY - chosen.at) > 2) chosen = null;
    current = chosen ? chosen.month : monthAt(y);
    const share = Math.min(1, Math.max(0, y / plan.height));
    const name = words.month(plan.months[current]);
    mark.style.top = bubble.style.top = percent(share);
    mark.dataset.year = words.year(plan.months[current]);
    bubble.textContent = name;
    rail.setAttribute('aria-valuemax', plan.months.length - 1);
    rail.setAttribute('aria-valuenow', plan.months.length - 1 - current);
    rail.setAttribute('aria-valuetext', name);
  };
  const choose = (month) => {
    jump(plan.months[month].top);
    chosen = { month, at: scrollY };
    show(plan.months[month].top);
    wake();
  };
  const wake = () => {
    rail.classList.add('awake');
    clearTimeout(sleep);
    sleep = setTimeout(() => { if (!dragging) rail.classList.remove('awake'); }, AWAKE_MS);
  };

  const follow = (event) => {
    const box = rail.getBoundingClientRect();
    const px = event.clientY - box.top;
    const near = labels.find((label) => Math.abs(label.place * box.height - px) < SNAP_PX);
    const share = Math.min(1, Math.max(0, px / box.height));
    const moved = event.type === 'pointermove';
    if (!moved && near) return choose(near.month);
    chosen = null;
    jump(share * plan.height);
    wake();
  };
  rail.addEventListener('pointerdown', (event) => {
    if (event.button || !plan) return;
    event.preventDefault(); // no text is selected
    rail.setPointerCapture(event.pointerId);
    dragging = true;
    rail.classList.add('dragging');
    if (event.target !== mark) follow(event); else wake();
  });
  rail.addEventListener('pointermove', (event) => { if (dragging) follow(event); });
  for (const end of ['pointerup', 'pointercancel', 'lostpointercapture']) {
    rail.addEventListener(end, () => {
      dragging = false;
      rail.classList.remove('dragging');
      wake();
    });
  }

  rail.addEventListener('keydown', (event) => {
    if (!plan || event.altKey || event.ctrlKey || event.metaKey) return;
    const yearOf = (month) => words.year(plan.months[month]);
    const last = plan.months.length - 1;
    const step = (to) => { // to another year, at its newest month
      let month = current;
      while (month + to >= 0 && month + to <= last && yearOf(month) === yearOf(current)) month += to;
      while (month > 0 && yearOf(month - 1) === yearOf(month)) month--;
      return month;
    };
    const month = {
      ArrowUp: () => current - 1, ArrowLeft: () => current - 1,
      ArrowDown: () => current + 1, ArrowRight: () => current + 1,
      PageUp: () => step(-1), PageDown: () => step(1),
      Home: () => 0, End: () => last,
    }[event.key]?.();
    if (month === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    choose(Math.min(last, Math.max(0, month)));
  });

  return {
    element: rail,
    /** Follow another layout; a timeline of few screens needs no rail. */
    use: (nextPlan, nextWords) => {
      plan = nextPlan;
      words = nextWords;
      rail.hidden = plan.months.length < 2 || plan.height < 2 * innerHeight;
      rail.setAttribute('aria-label', words.jump);
      rail.setAttribute('aria-valuemin', 0);
      if (rail.hidden) return;
      rail.style.height = '';
      drawYears();
    },
    show,
    wake,
  };
};
