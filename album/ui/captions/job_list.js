// Buttons send the number of their row, and the server looks up what that is. The list is rendered
// again with each photo, so opened details and the keyboard focus are restored.
let last = 0, focused = '';
const open = new Set();
const key = (button) => `${button.dataset.number} ${button.dataset.what}`;
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-what]');
  if (!button || Date.now() - last < 700) return;
  last = Date.now();  // a double click counts once
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
    [...element.querySelectorAll('button[data-what]')].find((button) => key(button) === focused)?.focus();
  }
}).observe(element, {childList: true, subtree: true});
