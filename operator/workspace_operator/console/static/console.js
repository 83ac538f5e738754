// Makes the console pleasant. Every form and link works without it.
const PAUSE = 2000, LONGEST_PAUSE = 30000;
const make = {createHTML: html => html};
const policy = window.trustedTypes ? trustedTypes.createPolicy('console', make) : make;
const live = document.getElementById('live');
const polled = new Set();

const say = text => { live.textContent = text; };

// How to find an element again after it was replaced: by its id, or in its group by name and value.
const finder = ({id, name, value, form}) => {
  const group = form && form.parentElement.id;
  return () => id ? document.getElementById(id)
    : group && [...document.querySelectorAll(`#${group} [name]`)].find(e => e.name === name && e.value === value);
};

// Put the parts of an answer in the place of the elements that they replace. The focus stays where it is.
const replace = html => {
  const answer = new DOMParser().parseFromString(policy.createHTML(html), 'text/html');
  const find = finder(document.activeElement);
  for (const part of answer.querySelectorAll('template[data-replaces]')) {
    const old = document.getElementById(part.dataset.replaces);
    if (old) old.replaceWith(document.importNode(part.content, true));
  }
  const again = find();
  if (again && again !== document.activeElement) again.focus({preventScroll: true});
  const sentence = document.querySelector('[data-say]');
  if (sentence) say(sentence.dataset.say);
  prepare();
};

// Forms with data-part are sent for these parts only, one after the other: the last choice is decided last. What
// was chosen meanwhile stays chosen. A page that is no part of this one is shown as a whole.
let sent = Promise.resolve(), unsent = 0;

const send = async (form, button) => {
  const body = new URLSearchParams(new FormData(form, button));
  unsent -= 1;
  form.ariaBusy = true;
  try {
    const headers = {'X-Part': form.dataset.part};
    const answer = await fetch(form.action, {method: 'POST', body, headers, keepalive: true});
    if (!answer.ok) throw new Error(answer.status);
    const html = await answer.text();
    const later = [...form.querySelectorAll(':checked')].filter(e => body.get(e.name) !== e.value).map(finder);
    replace(html);
    for (const find of later) if (find()) find().checked = true;
  } catch {
    unsent = 0;
    delete form.dataset.part;
    form.requestSubmit(button);
    return new Promise(() => {}); // the page is being replaced: nothing else is sent
  }
  form.ariaBusy = false;
};

document.addEventListener('submit', event => {
  const {target, submitter} = event, group = target.parentElement.id;
  if (event.defaultPrevented || !target.dataset.part) return;
  event.preventDefault();
  const find = submitter ? finder(submitter) : () => null;
  unsent += 1;
  sent = sent.then(() => send(document.querySelector(`#${group} form`), find()));
});

window.addEventListener('beforeunload', event => unsent && event.preventDefault());

// A choice of a form with data-auto is sent at once.
document.addEventListener('change', ({target}) => {
  if (target.type === 'radio' && target.form && 'auto' in target.form.dataset) target.form.requestSubmit();
});

// Keys work only while a group itself has the focus.
document.addEventListener('keydown', event => {
  const group = event.target;
  if (!('keys' in group.dataset) || event.ctrlKey || event.metaKey || event.altKey) return;
  const groups = [...document.querySelectorAll('[data-keys]')];
  const step = {j: 1, k: -1}[event.key];
  const next = step && groups[groups.indexOf(group) + step];
  const button = [...group.querySelectorAll('[data-key]')].find(e => e.dataset.key === event.key);
  if (next) next.focus();
  if (button) button.click();
});

// An element with data-poll asks for itself again and again, unless the tab is hidden.
const poll = (id, etag, pause) => setTimeout(async () => {
  const element = document.getElementById(id);
  if (!element || !element.dataset.poll) return polled.delete(id);
  let next = pause;
  if (!document.hidden) {
    try {
      const headers = {'X-Part': id, 'X-Poll': '1'};
      if (etag) headers['If-None-Match'] = etag;
      const answer = await fetch(element.dataset.poll, {headers, cache: 'no-store'});
      if (answer.status === 401 || answer.status === 404) return location.reload();
      if (answer.ok) {
        etag = answer.headers.get('ETag');
        replace(await answer.text());
      }
      next = answer.ok || answer.status === 304 ? PAUSE : Math.min(2 * pause, LONGEST_PAUSE);
    } catch {
      next = Math.min(2 * pause, LONGEST_PAUSE);
    }
  }
  poll(id, etag, next);
}, pause);

const prepare = () => {
  for (const button of document.querySelectorAll('[data-copy][hidden]')) button.hidden = false;
  for (const element of document.querySelectorAll('[data-poll]')) {
    if (polled.has(element.id)) continue;
    polled.add(element.id);
    poll(element.id, '', PAUSE);
  }
};

document.addEventListener('click', async event => {
  const button = event.target.closest('[data-copy]');
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  say(button.dataset.copied);
});

prepare();
