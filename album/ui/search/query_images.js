// Images pasted or dropped on the Search tab are uploaded like selected ones.
const searching = () => document.querySelector('#query')?.offsetWidth > 0;
const pictures = (data) => [...(data?.files ?? [])].filter((it) => it.type.startsWith('image/'));
const bar = () => document.querySelector('#search-bar');

function choose(files) {
  const input = bar()?.querySelector('input[type=file]');
  if (!input) return;
  const chosen = new DataTransfer();
  for (const file of files) chosen.items.add(file);
  input.files = chosen.files;
  input.dispatchEvent(new Event('change', {bubbles: true}));
}

document.addEventListener('paste', (event) => {
  const files = pictures(event.clipboardData);
  if (!files.length || !searching()) return;
  event.preventDefault();
  choose(files);
});

const over = (event) =>
  event.target.closest?.('#search-bar') && [...event.dataTransfer.types].includes('Files');
document.addEventListener('dragover', (event) => {
  bar()?.classList.toggle('dropping', Boolean(over(event)));
  if (over(event)) event.preventDefault();
});
document.addEventListener('dragleave', (event) => {
  if (event.target === bar()) bar().classList.remove('dropping');
});
document.addEventListener('drop', (event) => {
  bar()?.classList.remove('dropping');
  if (!over(event)) return;
  event.preventDefault();
  choose(pictures(event.dataTransfer));
});
