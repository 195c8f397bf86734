/** What the store's key is called where the unit brings it (systemd.exec(5), "Credentials"): apart from the database. */
export const storeKeyCredential = 'strikeplate.store-key';
