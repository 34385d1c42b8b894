// Links of the page to itself: the answer comes without a reload. Other ways of opening stay.
if (!window.album?.follows) {
  window.album = Object.assign(window.album || {}, {follows: true});
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-ask]');
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    album.ask(link.getAttribute('href'));
  });
}
