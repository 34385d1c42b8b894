// Keys of the whole page, the link that skips its head, and roles that Gradio cannot be given.
// `element` is the component of this script, which also defines WORDS.

const words = WORDS[window.album.language];
const box = () => document.querySelector('#query input, #query textarea');
const isShown = (it) => it?.checkVisibility() ?? false;

// A button, not an anchor: the page has a <base>, so an anchor would load the page again.
const skip = document.createElement('button');
skip.type = 'button';
skip.textContent = words.skip;
skip.addEventListener('click', () => {
  const panels = [...document.querySelectorAll('#tabs > [role=tabpanel]')];
  const target = ['#results', '#welcome'].map((it) => document.querySelector(it)).find(isShown)
    || panels.find(isShown);
  if (!target) return;
  target.tabIndex = -1;
  target.focus();
});
element.replaceChildren(skip);

const isTyping = (target) => Boolean(
  target.closest?.('input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable=true]'),
);
document.addEventListener('keydown', (event) => {
  if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
  if (event.key === '/' && !isTyping(event.target)) {
    if (window.album.photoIsOpen?.()) return; // the rest of the page cannot be reached
    event.preventDefault();
    if (!isShown(box())) document.querySelector('#tabs [role=tab][data-tab-id=search]')?.click();
    requestAnimationFrame(() => { box()?.focus(); box()?.select(); });
  } else if (event.key === 'Escape' && event.target === box() && box().value) {
    event.preventDefault();
    document.querySelector('#empty-query')?.click();
  }
});
document.addEventListener('click', (event) => {
  if (event.target.closest('#empty-query')) box()?.focus(); // the button disappears
});

const roles = () => {
  const bar = document.querySelector('#search-bar');
  if (!bar) { requestAnimationFrame(roles); return; }
  bar.setAttribute('role', 'search');
};
roles();
