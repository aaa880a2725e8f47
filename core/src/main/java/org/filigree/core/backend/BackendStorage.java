package org.filigree.core.backend;

import org.filigree.core.tensor.Storage;

/** Storage that knows the backend it belongs to; what every backend's storage must be. */
public interface BackendStorage extends Storage {
    /** {@return the backend whose memory this is} */
    Backend backend();
}
