// Small comforts for every form, on signed-out pages too. No page needs them.
(() => {
  const byId = id => document.getElementById(id);

  document.addEventListener('click', event => {
    const reveal = event.target.closest('[data-reveal]');
    if (reveal) show(reveal, byId(reveal.dataset.reveal).type === 'password');
    const copier = event.target.closest('[data-copy]');
    if (copier) copy(copier);
    event.target.closest('[data-dismiss]')?.closest('.toast, .note')?.remove();
  });

  // Toasts leave after 8 s unless hovered or focused; problems stay. One printed with the page is put in again, so
  // that the live region announces it.
  const toasts = byId('toasts');
  const leave = toast => setTimeout(() => toast.matches(':hover, :focus-within') ? leave(toast) : toast.remove(), 8000);
  new MutationObserver(changes => {
    for (const { addedNodes } of changes)
      for (const node of addedNodes) if (node.matches?.('.toast:not(.bad)')) leave(node);
  }).observe(toasts, { childList: true });
  toasts.append(...toasts.children);

  // Passwords: shown on request, hidden again before they are sent, so that the browser offers to keep them.
  const show = (button, plain) => {
    byId(button.dataset.reveal).type = plain ? 'text' : 'password';
    button.firstElementChild.textContent = plain ? 'Hide' : 'Show';
  };

  // A link to copy: the button says so for two seconds, and a polite status tells those who do not see it.
  const copy = async button => {
    const field = byId(button.dataset.copy), label = button.firstElementChild;
    try { await navigator.clipboard.writeText(field.value); }
    catch { field.select(); if (!document.execCommand('copy')) return; }   // no clipboard on plain http
    const status = Object.assign(document.createElement('span'), { className: 'sr', textContent: 'Copied' });
    byId('toasts').append(status);
    label.textContent = 'Copied';
    setTimeout(() => { label.textContent = 'Copy'; status.remove(); }, 2000);
  };

  document.addEventListener('input', event => {
    const field = event.target;
    if (field.dataset.slugFrom) field.dataset.touched = 'yes';               // typed by hand: ours no more
    if (field.dataset.counts) count(field);
    for (const slug of document.querySelectorAll('[data-slug-from]'))
      if (slug.dataset.slugFrom === field.id && !slug.dataset.touched) slug.value = slugged(field.value);
  });

  // An organization's address follows its name until someone edits it.
  const slugged = name => name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
    .replace(/[^a-z0-9]+/g, '-').replace(/^-/, '').slice(0, 50).replace(/-$/, '');

  // "Send 3 invitations": the button counts the addresses in the box.
  const count = box => {
    const button = byId(box.dataset.counts);
    const n = new Set(box.value.toLowerCase().match(/[^\s,;<>]+@[^\s,;<>]*/g)).size;
    button.dataset.none ??= button.textContent;
    button.textContent = n === 0 ? button.dataset.none : n === 1 ? button.dataset.one : button.dataset.many.replace('{n}', n);
  };
  const countAll = () => document.querySelectorAll('[data-counts]').forEach(count);

  // A double click, or the same key at once again, is one press, also where the answer drew the button anew in between:
  // else "Send again" would be done to the invitation that was just sent.
  let pressed = {};
  document.addEventListener('keydown', event => { if (!['Enter', ' '].includes(event.key)) pressed = {}; });
  document.addEventListener('click', event => {
    const button = event.target.closest('form[method=post] button:not([type=button])');
    if (!button) return;
    const soon = button.id === pressed.id && event.timeStamp - pressed.at < 500;
    pressed = { id: button.id, at: event.timeStamp };
    if (event.detail > 1 || event.detail === 0 && soon) { event.preventDefault(); event.stopPropagation(); }
  }, true);

  // Sending: a form that leaves the page is sent once. (htmx forms drop a second click by hx-sync.)
  document.addEventListener('submit', event => {
    const form = event.target;
    form.querySelectorAll('[data-reveal]').forEach(button => show(button, false));
    if (form.matches('[data-draft]')) keep(form);
    if (event.defaultPrevented || form.method !== 'post') return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = 'yes';
    event.submitter?.setAttribute('aria-busy', 'true');
    setTimeout(resend, 8000, form);                                          // the network may have failed
  });
  const resend = form => {
    delete form.dataset.sent;
    form.querySelectorAll('[aria-busy]').forEach(button => button.removeAttribute('aria-busy'));
  };
  addEventListener('pageshow', event => { if (event.persisted) document.querySelectorAll('[data-sent]').forEach(resend); });

  // Drafts: what was typed into a form[data-draft] outlives a session that ended meanwhile. It is stored when the form is
  // sent, marked when that led to the log-in page, and put back on the same page for the same person; never sent again.
  const DRAFT = 'draft', viewer = document.documentElement.dataset.viewer;
  const open = field => field.matches('[name]:not([type=password], [type=hidden], [type=file], [autocomplete=one-time-code])');
  const chosen = field => !field.matches('[type=radio], [type=checkbox]') || field.checked;
  const keep = form => sessionStorage.setItem(DRAFT, JSON.stringify({
    at: location.pathname, viewer, form: form.id,
    fields: [...form.elements].filter(field => open(field) && chosen(field)).map(field => [field.name, field.value]),
  }));
  const forget = () => sessionStorage.removeItem(DRAFT);
  const restore = () => {
    const draft = JSON.parse(sessionStorage.getItem(DRAFT));
    if (!draft) return;
    if (!viewer) {                                                           // signed out: on the way to log in?
      const next = new URLSearchParams(location.search).get('next');
      if (next && new URL(next, location).pathname === draft.at)
        sessionStorage.setItem(DRAFT, JSON.stringify({ ...draft, interrupted: true }));
      return;
    }
    forget();
    const form = byId(draft.form);
    if (!form || !draft.interrupted || draft.viewer !== viewer || draft.at !== location.pathname) return;
    for (const field of [...form.elements].filter(open)) {
      const values = draft.fields.filter(([name]) => name === field.name).map(([, value]) => value);
      if (field.matches('[type=radio], [type=checkbox]')) field.checked = values.includes(field.value);
      else if (values.length) field.value = values[0];
    }
    byId('notices').append(byId('draft-kept').content.cloneNode(true));
  };
  // Its fields hold what the answer says: a morph would keep what was typed over the same default.
  document.addEventListener('htmx:before:swap', ({ detail: { ctx } }) => {
    if (!ctx.sourceElement.matches('[data-draft]')) return;
    if (ctx.response.status < 400) forget();
    if (!ctx.hx.retarget) ctx.sourceElement.reset();
  });
  document.addEventListener('htmx:after:swap', countAll);

  restore();
  countAll();
})();
