# The image of a worker: its programs, what they are linked with, and the example corpus. No shell is needed to run it.
#   docker build -t podium .
# Built from what .dockerignore leaves: no data, no snapshots, no keys.
ARG BASE=docker.io/library/debian:12-slim

FROM ${BASE} AS build
COPY configuration/packages.txt /packages.txt
RUN apt-get update -q && sed -e 's/#.*//' /packages.txt | DEBIAN_FRONTEND=noninteractive xargs apt-get install -q -y --no-install-recommends
WORKDIR /podium
COPY . .
RUN cmake --preset release && cmake --build build/release --target worker trainer try_model example_corpus
RUN mkdir -p /image/opt/podium/bin && cp -P build/release/bin/worker build/release/bin/trainer build/release/bin/try_model build/release/bin/test /image/opt/podium/bin/ \
    && strip /image/opt/podium/bin/worker /image/opt/podium/bin/trainer /image/opt/podium/bin/try_model \
    && worker/data/example_corpus/fetch.sh pt en /image/usr/share/podium/data
# The packages of the libraries that they are linked with, by the names of those files.
RUN for program in worker trainer try_model; do ldd "/image/opt/podium/bin/$program"; done | awk '$2 == "=>" { print $3 }' | xargs -r readlink -f \
    | sort -u | while read -r library; do dpkg -S "*/$(basename "$library")" | cut -d: -f1; done | sort -u > /libraries.txt

FROM ${BASE}
COPY --from=build /libraries.txt /usr/share/podium/libraries.txt
RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive xargs apt-get install -q -y --no-install-recommends ca-certificates fonts-dejavu-core < /usr/share/podium/libraries.txt \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/* /usr/share/doc /usr/share/man /usr/share/locale
COPY --from=build /image /
# At the end: Podium's `test` is not the shell's.
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/podium/bin
USER 65532:65532
ENTRYPOINT ["/opt/podium/bin/worker"]
