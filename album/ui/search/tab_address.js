// The selected tab stands in the address as `tab`, the first tab as nothing. Gradio selects tabs for
// taps and for answers of the server, so the tabs are watched. `url_state.js` defines the rest.

const tabs = () => [...document.querySelectorAll('#tabs > .tab-wrapper [role=tab]')];
const idOf = (tab) => tab?.dataset.tabId;
const selectedTab = () => idOf(tabs().find((tab) => tab.getAttribute('aria-selected') === 'true'));
const tabOf = (search) => {
  const wanted = new URLSearchParams(search).get('tab');
  return idOf(tabs().find((tab) => idOf(tab) === wanted) || tabs()[0]);
};

const showTab = () => {
  const wanted = tabOf(location.search);
  if (selectedTab() !== wanted) tabs().find((tab) => idOf(tab) === wanted)?.click();
};

const followTab = () => {
  const now = selectedTab();
  if (!now || now === tabOf(location.search)) return;
  if (leaving) { setTimeout(followTab, 30); return; } // the way back from a closed photo ends first
  const all = new URLSearchParams(location.search);
  all.delete('tab');
  if (now !== idOf(tabs()[0])) all.append('tab', now);
  push('tab', location.pathname + (String(all) && '?' + all) + location.hash, {});
  const list = document.querySelector('#tabs > .tab-wrapper');
  if (list.getBoundingClientRect().top < 0) window.scrollTo(0, place = 0);
};

const startTabs = () => {
  const list = document.querySelector('#tabs > .tab-wrapper');
  if (!list || !tabs().length) { requestAnimationFrame(startTabs); return; } // not drawn yet
  showTab();
  new MutationObserver(followTab).observe(list, {
    attributes: true, attributeFilter: ['aria-selected'], childList: true, subtree: true,
  });
};
