// Buttons tell which row they are of; the server looks up what that is. The list is drawn anew with
// each photo: what somebody has opened stays open, and a keyboard stays where it was.
let last = 0, focused = '';
const open = new Set();
const key = (button) => `${button.dataset.number} ${button.dataset.what}`;
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-what]');
  if (!button || Date.now() - last < 700) return;
  last = Date.now();  // a double click asks once
  trigger('select', {index: Number(button.dataset.number), value: button.dataset.what});
});
element.addEventListener('toggle', (event) => {
  const job = event.target.closest('[data-job]')?.dataset.job;
  if (job) open[event.target.open ? 'add' : 'delete'](job);
}, true);
element.addEventListener('focusin', (event) => {
  const button = event.target.closest('button[data-what]');
  focused = button ? key(button) : '';
});
element.addEventListener('focusout', (event) => { if (event.relatedTarget) focused = ''; });
new MutationObserver(() => {
  for (const details of element.querySelectorAll('details:not([open])')) {
    if (open.has(details.closest('[data-job]')?.dataset.job)) details.open = true;
  }
  if (focused && document.activeElement === document.body) {
    [...element.querySelectorAll('button[data-what]')].find((it) => key(it) === focused)?.focus();
  }
}).observe(element, {childList: true, subtree: true});
