// Ways to the sections below the tabs, which an album of many photos pushes far down.
// `element` is the component of this script, which also defines WORDS.

const words = WORDS[window.album.language];

const opener = document.createElement('button');
opener.type = 'button';
opener.className = 'opener';
opener.textContent = '⋯';
opener.setAttribute('aria-label', words.more);
opener.title = words.more;
opener.setAttribute('aria-controls', 'more-list');
const list = document.createElement('ul');
list.id = 'more-list';

const show = (wanted) => {
  list.hidden = !wanted;
  opener.setAttribute('aria-expanded', String(wanted));
};
const goTo = (section) => {
  show(false);
  const button = document.querySelector(`#${section} > button`);
  if (!button) return;
  if (!button.classList.contains('open')) button.click();
  button.focus({ preventScroll: true });
  button.scrollIntoView({ block: 'start' });
};
for (const [section, name] of Object.entries({ 'take-out': words.export_title, about: words.about })) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = name;
  button.addEventListener('click', () => goTo(section));
  const item = document.createElement('li');
  item.append(button);
  list.append(item);
}
opener.addEventListener('click', () => show(list.hidden));
show(false);
element.replaceChildren(opener, list);

document.addEventListener('pointerdown', (event) => { if (!element.contains(event.target)) show(false); });
element.addEventListener('focusout', (event) => {
  if (event.relatedTarget && !element.contains(event.relatedTarget)) show(false);
});
element.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || list.hidden) return;
  event.stopPropagation();
  show(false);
  opener.focus();
});
