
]
"
	PMIX_RANK1"8
PMIX_SERVER_URI2$pmix-server.42;tcp4://127.0.0.1:4711*AVX-512