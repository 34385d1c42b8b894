// The list of labels. It refreshes whenever it scrolls into view.
new IntersectionObserver((entries) => {
  if (entries.some((entry) => entry.isIntersecting)) trigger('load');
}).observe(element);

const place = (node) => Number(node.closest('li').dataset.place);
const nameOf = (item) => item.dataset.name;
const plain = (text) => text.normalize('NFC').trim().replace(/\s+/g, ' ');

// Another label of that name: then the two are merged, and the button says so.
const namesake = (item) => {
  const name = plain(item.querySelector('.rename input').value);
  return [...element.querySelectorAll('li')].find((it) => it !== item && nameOf(it) === name);
};

function edit(item, on) {
  item.querySelector('.rename').hidden = !on;
  item.querySelector('.label-words').hidden = on;
  item.querySelector('.label-buttons').hidden = on;
  const input = item.querySelector('.rename input');
  if (on) { input.value = nameOf(item); look(item); input.focus(); input.select(); }
  else item.querySelector('[data-what=rename]').focus();
}

function look(item) {
  const save = item.querySelector('.rename [data-what=save]');
  const other = namesake(item);
  save.textContent = other ? save.dataset.merge : save.dataset.save;
  item.querySelector('.rename .note').textContent =
    other ? save.dataset.note.replace('{label}', () => nameOf(other)) : '';
}

function save(item) {
  const name = plain(item.querySelector('.rename input').value);
  if (!name || name === nameOf(item)) return edit(item, false);
  const way = namesake(item) ? 'merge' : 'rename';
  trigger('select', {index: place(item), value: `${way}:${name}`});
}

element.addEventListener('input', (event) => {
  if (event.target.closest('.rename')) look(event.target.closest('li'));
});
element.addEventListener('keydown', (event) => {
  const item = event.target.closest('.rename')?.closest('li');
  if (!item || event.isComposing) return;  // Enter also ends a Korean syllable
  if (event.key === 'Escape') { event.preventDefault(); event.stopPropagation(); edit(item, false); }
  if (event.key === 'Enter' && event.target.matches('input')) { event.preventDefault(); save(item); }
});
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-what]');
  if (!button) return;
  let what = button.dataset.what;
  if (what === 'undo') return trigger('select', {index: Number(button.dataset.number), value: what});
  const item = button.closest('li');
  if (what === 'rename' || what === 'cancel') return edit(item, what === 'rename');
  if (what === 'save') return save(item);
  if (button.dataset.sure && !button.classList.contains('asked')) {  // what is asked twice
    const before = button.textContent;
    button.classList.add('asked');
    button.textContent = button.dataset.sure;
    setTimeout(() => { button.classList.remove('asked'); button.textContent = before; }, 5000);
    return;
  }
  if (what === 'living') what = button.getAttribute('aria-checked') === 'true' ? 'still' : 'living';
  trigger('select', {index: place(button), value: what});
});
