import { useSignal } from '@preact/signals';
import { call } from '../api.ts';
import { words } from '../languages/index.ts';
import type { Webhook } from '../objects.ts';
import { ConfirmButton } from '../parts/confirm-button.tsx';
import { Field } from '../parts/field.tsx';
import { Form, New } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, Failure, Shown } from '../parts/states.tsx';
import { useAction } from '../parts/use-action.ts';
import { useBox } from '../parts/use-box.ts';
import { useCall } from '../parts/use-list.ts';
import { box, may } from '../state.ts';

/** Whom events are sent to, and what waits for each. */
export function Webhooks() {
  const { box: text } = words();
  const { state, again: listAgain } = useCall<{ webhooks: Webhook[] }>('/webhooks/list', {}, []);
  const { again: queuesAgain } = useBox();
  const again = () => {
    listAgain();
    queuesAgain();
  };
  return (
    <>
      {may('control') && <NewWebhook onCreated={again} />}
      <Shown of={state.value} again={again}>
        {({ webhooks }) =>
          webhooks.length === 0 ? (
            <Empty icon="link">{text.noReceivers}</Empty>
          ) : (
            <ul class="rows">
              {webhooks.map((webhook) => (
                <WebhookRow key={webhook.webhook_id} webhook={webhook} onChange={again} />
              ))}
            </ul>
          )
        }
      </Shown>
    </>
  );
}

function WebhookRow({ webhook, onChange }: { readonly webhook: Webhook; readonly onChange: () => void }) {
  const { box: text, codes } = words();
  const { failed, run } = useAction();
  const queue = box.value?.webhook_queues.find(({ webhook_id }) => webhook_id === webhook.webhook_id);
  const isFailing = queue !== undefined && queue.failures > 0;
  const remove = async () => {
    if (await run(() => call('/webhooks/delete', { webhook_id: webhook.webhook_id }))) onChange();
  };
  return (
    <li class={`row ${isFailing ? 'bad' : 'good'}`}>
      <Icon name={isFailing ? 'warning' : 'link'} />
      <span class="what">
        <strong>{webhook.url}</strong>
        <span>{webhook.event_types.includes('*') ? text.allEvents : webhook.event_types.join(', ')}</span>
      </span>
      {queue !== undefined && (
        <span class="how">
          {text.queued(queue.queued)}
          {isFailing && <small>{text.failures(queue.failures)}</small>}
          {queue.dropped > 0 && <small>{text.dropped(queue.dropped)}</small>}
        </span>
      )}
      {may('control') && <ConfirmButton kind="small" label={codes.remove} again={codes.endAgain} onConfirm={remove} />}
      {failed.value !== undefined && <Failure error={failed.value} />}
    </li>
  );
}

function NewWebhook({ onCreated }: { readonly onCreated: () => void }) {
  const { box: text } = words();
  const url = useSignal('');
  const types = useSignal('');
  const secret = useSignal<string | undefined>(undefined);
  const action = useAction();
  const submit = async () => {
    const list = types.value.split(/[\s,]+/).filter((type) => type !== '');
    const done = await action.run(async () => {
      const { webhook } = await call<{ webhook: { readonly secret: string } }>('/webhooks/create', {
        url: url.value.trim(),
        ...(list.length > 0 && { event_types: list }),
      });
      secret.value = webhook.secret;
    });
    if (!done) return;
    url.value = '';
    types.value = '';
    onCreated();
  };
  return (
    <New label={text.newReceiver}>
      <Form submit={text.newReceiver} action={action} onSubmit={submit}>
        <Field label={text.url} value={url} type="url" required maxLength={2_000} />
        <Field label={text.eventTypes} value={types} placeholder={text.allEvents} />
      </Form>
      {secret.value !== undefined && <Once label={text.webhookSecret} secret={secret.value} />}
    </New>
  );
}

/** Something that is shown once, and never again. */
export function Once({ label, secret }: { readonly label: string; readonly secret: string }) {
  const { box: text } = words();
  const isCopied = useSignal(false);
  const copy = async () => {
    await navigator.clipboard?.writeText(secret).catch(() => undefined);
    isCopied.value = true;
  };
  return (
    <div class="once" role="status">
      <strong>{label}</strong>
      <output>{secret}</output>
      <button type="button" class="small" onClick={copy}>
        {isCopied.value ? text.copied : text.copy}
      </button>
      <p class="hint">{text.once}</p>
    </div>
  );
}
