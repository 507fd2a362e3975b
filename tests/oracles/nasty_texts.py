"""Texts that tokenizers disagree about. Bytes: not all of them are UTF-8."""


def u(*code_points):
    return "".join(chr(c) for c in code_points)


PLAIN = [
    "Hello world", " Hello world", "Hello  world", "Hello world ", "  leading", "trailing  ", "   ", " ", "",
    "don't can't won't I'm you're we've they'll he'd it's", "DON'T I'M YOU'RE", "'s 't 're 've 'm 'll 'd", "'S 'T", "''s'''t", "\u2019s don\u2019t",
    "a'b'c's", "'", "''", "'''", " '", " 's", "rock 'n' roll", "isn't n't 'tis do not do n't", "The quick brown fox jumps over the lazy dog.",
    "1234567890", " 12 345,678.90", "3.14159e-10", "0x1F600", "a1b2c3", "1a 2b", "\u0661\u0662\u0663", "\u2160\u2161\u00bd\u00b2\u2460", "x\u00b2+y\u00b2=z\u00b2",
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "a.b,c;d:e!f?g", "... --- ___", "$100 + \u20ac50 = \u00a330", "C++ C# .NET", "a_b-c", "#hashtag @name", "https://example.org/a?b=c&d=%20#e",
    "(a) [b] {c} <d>", "a\u2014b\u2013c\u2026", "\u00abquoted\u00bb \u201cquoted\u201d \u201elow\u201c", "\u00bfQu\u00e9? \u00a1S\u00ed!", "hello!!!???", "e.g. i.e. U.S.A.", "x == y && !z",
]
SPACE = [
    "tab\tbetween", "\t\ttabs", "line\nline", "line\r\nline\r", "\n\n\n", "a \n b", "a\n\n  b", "a  \tb", " \t\n\r ", "a\x0bb\x0cc", "a\u00a0b", "a\u00a0\u00a0b", "\u00a0",
    "a\u1680b\u2000c\u2003d\u200ae", "a\u2028b\u2029c", "a\u202fb\u205fc\u3000d", "a\u0085b", "a\u180eb", "a\u200bb", "a \u200b b", "a\ufeffb", "\ufeffBOM", "end \u3000", "  \u00a0 x",
    "def f(x):\n    return x\n\n\tif x:\n\t    pass  ",
]
CONTROL = [
    "a\x00b", "\x00", "a\x01\x02\x03b", "a\x07\x08b", "\x1b[31mred\x1b[0m", "a\x1c\x1d\x1e\x1fb", "a\x7fb", "a\x80\x84\x9fb", "soft\u00adhyphen", "a\u200c\u200db", "\u200eltr\u200frtl",
    "\u202aembed\u202c \u202eoverride\u202c", "\u2066isolate\u2069", "\u2060word\u2061joiner\u2064", "\ufff9a\ufffab\ufffb", "tag\U000e0041\U000e007f", "private\ue000\uf8ff", "\U000f0000\U0010fffd",
    "unassigned\u0378\u0379x", "\uffff\ufffe", "\U0001fffe\U0010ffff", "a\ufffdb", "\ufffd", "\ufffd\ufffd\ufffd", "\u0600\u0601\u06dd\u070f", "\U000110bd\U000110cd", "\u0890\u08e2", "\U00013430\U0001343f",
]
ACCENTS = [
    "caf\u00e9", "cafe\u0301", "na\u00efve r\u00e9sum\u00e9 co\u00f6perate", "\u00c5ngstr\u00f6m \u212bngstr\u00f6m A\u030angstro\u0308m", "\u0130stanbul \u0131l\u0131k \u0049\u0307", "stra\u00dfe STRASSE \u1e9e", "\u0153uvre \u00c6sir",
    "\u01c4 \u01c5 \u01c6 \u01f1 \u01f2 \u01f3", "\ufb01ne \ufb02ow \ufb03", "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031e\u0349\u035a\u032f\u031e\u0320\u034dA\u036b\u0357\u0334\u0362\u0335\u031c\u0330\u0354L",
    "\u0301", "\u0301\u0301", " \u0301", "a\u0301\u0327\u0328", "a\u0328\u0327\u0301", "\u1e69 s\u0323\u0307 s\u0307\u0323", "\u0344 \u0340 \u0341 \u0343", "\u1fbc \u1f80 \u0390 \u03b0", "vi\u1ec7t Nam ti\u1ebfng Vi\u1ec7t",
    "\u039f\u0394\u039f\u03a3 \u03bf\u03b4\u03cc\u03c2 \u03a3", "\u03a3\u0391\u03a3.", "\u0419\u0439\u0401\u0451 \u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440!", "\u0410\u0301\u043d\u043d\u0430", "\u10d0\u10d1 \u10a0\u10a1 \u1c90\u1c91",
    "\u13a0\u13a1 \uab70\uab71", "\u1e00\u1e01\u1e02", "\u212a\u2126\u212b", "\ua7ae\ua7af\ua7b0\ua7cb\ua7dc", "\U00010400\U00010428", "\U0001e900\U0001e922\U0001e944", "\U00016e40\U00016e60", "\u00aa\u00ba\u02b0\u02b1",
    "\u20dd\u20de A\u20dd", "\u302a\u302e\u302f", "\U0001d165\U0001d16e\U0001d15e", "\U0001109a \U0001109c", "\U00011935\U00011930 \U00011938", "\u07fd\u0898\u08d4\u1ac0\u1dfb",
]
SCRIPTS = [
    "\u4f60\u597d\u4e16\u754c", "\u4f60\u597d\uff0c\u4e16\u754c\uff01", "\u6211\u4eec\u5728\u5317\u4eac\u3002", "\u4e2d\u6587abc\u4e2d\u6587123", "a\u4e2db", "\u3400\u4dbf\u4e00\u9fff", "\uf900\ufaff\ufa0e\ufa0f\ufa11", "\U00020000\U0002a6df\U0002a700\U0002b73f",
    "\U0002b740\U0002b81f\U0002b820\U0002b91f\U0002b920\U0002ceaf", "\U0002ceb0\U0002f800\U0002fa1f\U00030000", "\u3005\u3006\u3007\u3021\u303b", "\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8\u3002", "\u304b\u3099\u304c \u30cf\u309a\u30d1",
    "\uff76\uff9e\uff8a\uff9f", "\uff28\uff45\uff4c\uff4c\uff4f\u3000\uff11\uff12\uff13", "\ud55c\uad6d\uc5b4 \ubb38\uc7a5\uc785\ub2c8\ub2e4.", "\u1112\u1161\u11ab\u1100\u116e\u11a8", "\u1100\u1161 \uac00 \uac01", "\u0627\u0644\u0633\u0644\u0627\u0645 \u0639\u0644\u064a\u0643\u0645",
    "\u0627\u064e\u0644\u0633\u0651\u064e\u0644\u0627\u064e\u0645\u064f\u060c \u061f", "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd", "\u05e9\u05bc\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd\u05be\u05d0", "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e\u0964", "\u0915\u093c \u0958",
    "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e0a\u0e32\u0e27\u0e42\u0e25\u0e01", "\u0e33\u0eb3", "\u0f40\u0f0b\u0f41\u0f0d\u0f71\u0f72\u0f80", "\u1000\u103b\u1031\u1038\u1007\u1030\u1038", "\u1780\u17b6\u1781\u17d2\u1798\u17c2\u179a\u17d4", "\u0ba4\u0bae\u0bbf\u0bb4\u0bcd \u0bca\u0bc6\u0bbe",
    "\u1208\u1209\u1361\u1362", "\u1401\u1402\u166d\u166e", "\u1734\u1735\u1736", "\U000111c9\U000111c8", "\u2e17\u2e3a\u2e43\u2e5d", "\U00012000\U0001f600\U00010000", "\u0b95\u0bcd\u0bb7", "\u02b9\u0374 \u037e ; \u0387 \u00b7", "\u0149 \u0f43 \u2adc",
]
EMOJI = [
    "\U0001f600", "\U0001f600\U0001f601\U0001f602", " \U0001f600 ", "a\U0001f600b", "\U0001f469\u200d\U0001f4bb", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "\U0001f44d\U0001f3fd", "\U0001f1e7\U0001f1f7 \U0001f1f5\U0001f1f9", "\u2764\ufe0f \u2764", "1\ufe0f\u20e3 #\ufe0f\u20e3",
    "\u263a\ufe0e\u263a\ufe0f", "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "\u2190\u2191\u2192 \u221e \u2211 \u222b \u2260 \u2264", "\u2500\u2502\u250c \u2588\u2591", "\u266a\u266b \u2654\u265a", "\U0001fae8 \U0001f6dc", "(\u256f\u00b0\u25a1\u00b0)\u256f\ufe35 \u253b\u2501\u253b", "\u00af\\_(\u30c4)_/\u00af",
]
SPECIAL = [
    "<|endoftext|>", "a<|endoftext|>b", "a <|endoftext|> b", "<|endoftext|><|endoftext|>", "<|endoftext", "<|ENDOFTEXT|>", "<|end<|endoftext|>oftext|>", "<|endoftext|>'s", "[CLS] a [SEP] b [SEP]", "[MASK]", "[mask]", "x[MASK]y", "[PAD][PAD]", "[UNK]", "[UNK", "[ CLS ]",
    "[CLS\u0301]", "<unk> </s> <s> <pad>", "##a ## #", "a##b", "\u2581a \u2581", "\u0120a\u0120", "\u010a", "<pad>x <tag> y<tag2>", "<tag", "<tag><pad>",
]
LONG = [
    "a" * 99, "a" * 100, "a" * 101, "\u00e9" * 100, "e\u0301" * 100, "\u4e2d" * 101, "ab" * 60, "q" * 300, "." * 60, " " * 60, " " * 60 + "x", "\n" * 20 + "x", "1" * 50, "ha" * 30 + "!" * 30, "the " * 20, "\U0001f600" * 12, "\u0301" * 40,
]
NOT_UTF8 = [
    b"a\xffb", b"\xff\xfe", b"\x80", b"\x80\x80\x80", b"\xc3", b"caf\xc3", b"\xc3(", b"\xc0\xaf", b"\xe2\x82", b"\xe2\x82 x", b"\xe2(\xa1", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xed\xa0\x80\xed\xb0\x80", b"\xf0\x9f\x98", b"\xf0\x9f\x98x\xf0\x9f\x98\x80",
    b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfc\xfd", b"latin-1: caf\xe9 \xfcber", b"ol\xc3\xa1 \xe1 mundo", b"\xef\xbf\xbd \xef\xbf", b"<|endoftext|>\xff[SEP]\xc3", b"\xe6\x97\xa5\xe6\x9c",
]

TEXTS = [t.encode() for t in PLAIN + SPACE + CONTROL + ACCENTS + SCRIPTS + EMOJI + SPECIAL + LONG] + NOT_UTF8
