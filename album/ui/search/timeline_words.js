// Words of the timeline: its days, in the language of the page.
window.album = window.album || {};
// `outline` has days, starts and language, `words` are sentences of the page.
window.album.timelineWords = (outline, words) => {
  const { lastAtMost } = window.album.timelineLayout;
  const formats = {};
  const worded = (name, options) => {
    const day = new Date(`${name}T00:00Z`);
    formats[JSON.stringify(options)] ??= new Intl.DateTimeFormat(outline.language, { ...options, timeZone: 'UTC' });
    return isNaN(day) ? name : formats[JSON.stringify(options)].format(day);
  };
  const long = { year: 'numeric', month: 'long', day: 'numeric' };
  const short = { month: outline.language === 'ko' ? 'long' : 'short', day: 'numeric', weekday: 'short' };
  const dayOf = (head) => outline.days[head.day][0];
  const dayAt = (index) => outline.days[lastAtMost(outline.starts, index)][0];
  return {
    jump: words.jump,
    dayOf,
    dayAt,
    day: (head) => worded(dayOf(head), short),
    month: (head) => (dayOf(head) ? worded(dayOf(head), { year: 'numeric', month: 'long' }) : words.unknown),
    year: (head) => (dayOf(head) ? String(Number(dayOf(head).slice(0, 4))) : '?'),
    photo: (photo, index) => {
      const name = dayAt(index);
      const when = name ? worded(name, long) : words.unknown;
      return [photo.alt, when, photo.favourite && words.favourite].filter(Boolean).join(', ');
    },
  };
};
