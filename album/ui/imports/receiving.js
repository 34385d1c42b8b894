// Says at once that a chosen folder is being received: Gradio is silent until the last file is here.
// `element` is the component of this script, which also defines WORDS.

const words = WORDS[album.language];
const line = document.createElement('p');
line.className = 'note';
line.setAttribute('role', 'status');
element.replaceChildren(line);

let files = 0; // chosen, 0 when nothing is being received
let received = 0;
const number = (n) => n.toLocaleString(album.language);
const show = () => {
  const text = received ? words.receiving_at : words.receiving;
  line.textContent = files ? text.replace('{n}', number(files)).replace('{done}', number(received)) : '';
};
const end = () => { files = received = 0; show(); };

document.addEventListener('change', (event) => {
  // Gradio puts the field of the folder button before the button.
  if (!event.target.matches?.('input[type=file][webkitdirectory]')) return;
  files = event.target.files.length;
  received = 0;
  show();
}, true);
document.addEventListener('album-received', end);

// Many files are sent in several requests, whose answers tell how far it is.
const send = window.fetch;
window.fetch = async function (...request) {
  const [address, options] = request;
  const sent = files && /\/upload(\?|$)/.test(String(address?.url ?? address))
    && options?.body instanceof FormData ? [...options.body.keys()].length : 0;
  if (!sent) return send.apply(this, request);
  try {
    const answer = await send.apply(this, request);
    if (answer.ok) received = Math.min(files, received + sent); else files = 0;
    if (received < files || !files) show();
    return answer;
  } catch (error) {
    end(); // Gradio tells why
    throw error;
  }
};
