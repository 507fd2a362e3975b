"""google-cloud-storage for Python doing what storage_bench does: storage_client.py upload|download FOLDER FILES...
Prints seconds, those of the processor, and the peak of its memory in kB. STORAGE_EMULATOR_HOST names the server."""

import os
import resource
import sys
import time

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.cloud.storage import transfer_manager

what, folder, files = sys.argv[1], sys.argv[2], sys.argv[3:]
bucket = storage.Client(project="bench", credentials=AnonymousCredentials()).bucket("bucket")
began = time.monotonic()
for name in files:
    blob, path = bucket.blob("python/" + name), os.path.join(folder, name)
    if what == "upload":
        blob.upload_from_filename(path)
    elif what == "download":
        blob.download_to_filename(path)
    else:  # "download-chunks": several ranges at once
        blob.reload()
        transfer_manager.download_chunks_concurrently(
            blob, path, chunk_size=8 << 20, max_workers=4, worker_type=transfer_manager.THREAD)
used = resource.getrusage(resource.RUSAGE_SELF)
print(f"{time.monotonic() - began:.3f} {used.ru_utime + used.ru_stime:.3f} {used.ru_maxrss}")
