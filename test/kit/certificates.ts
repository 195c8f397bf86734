/** A self-signed certificate for localhost, from 2020 to the end of 2045, made with openssl for these tests. */
export const certificate = `-----BEGIN CERTIFICATE-----
MIIBazCCARGgAwIBAgIBATAKBggqhkjOPQQDAjAXMRUwEwYDVQQDDAxnYXRld2F5
LnRlc3QwHhcNMjAwMTAxMDAwMDAwWhcNNDYwMTAxMDAwMDAwWjAXMRUwEwYDVQQD
DAxnYXRld2F5LnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATm9CNSFM8q
cY5nSTN2v3m2meXKoiMSHIUASUwTIZNLBPtrAgsz4+7huVvCKJDCtWwW/uQoBRqq
KLk0eAS5da3so04wTDAPBgNVHRMBAf8EBTADAQH/MBoGA1UdEQQTMBGCCWxvY2Fs
aG9zdIcEfwAAATAdBgNVHQ4EFgQU8ndFhgDk/m01Nj9qyZXwRxi9ynIwCgYIKoZI
zj0EAwIDSAAwRQIhAMLoIsimcE0Wfo6cqdx8eDzX7GZb1bb6dGsG9BF+Y+3rAiBK
pBS4S9idx+O7CHtDUD3Btmx8LKR0okDQzrq0P9Hctg==
-----END CERTIFICATE-----
`;

/** Its private key. */
export const certificateKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5jJf54OtaxLna34Z
Tgq14J6gdRiU2B2gdO2ePjxSqgihRANCAATm9CNSFM8qcY5nSTN2v3m2meXKoiMS
HIUASUwTIZNLBPtrAgsz4+7huVvCKJDCtWwW/uQoBRqqKLk0eAS5da3s
-----END PRIVATE KEY-----
`;

/** The private key of another certificate. */
export const strangersKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQglIbihdR2YP8FfedV
EwlB3oUjxjEzgTdWDOZ7be0YPjahRANCAASZkLueeQSGuLA5xVVkZ3sM9K5ngZv5
daiXT1vkMkD0FcYAf4pZMy2tkW3ISRdS5bw1X7KxCioDjWFlNlACmN5b
-----END PRIVATE KEY-----
`;
