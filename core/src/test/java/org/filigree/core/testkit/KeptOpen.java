package org.filigree.core.testkit;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Set;
import org.filigree.core.backend.Backend;

/** A shared backend that ignores {@code close}: JUnit closes every closeable argument after the test that took it. */
final class KeptOpen {
    private KeptOpen() {}

    /** The same backend under all of its interfaces, but for {@code close}. */
    static Backend of(Backend backend) {
        Object kept = Proxy.newProxyInstance(
                KeptOpen.class.getClassLoader(),
                interfaces(backend.getClass()).toArray(Class<?>[]::new),
                (proxy, method, arguments) -> {
                    if (method.getName().equals("close")) {
                        return null;
                    }
                    try {
                        return method.invoke(backend, arguments);
                    } catch (InvocationTargetException thrown) {
                        throw thrown.getTargetException();
                    }
                });
        return (Backend) kept;
    }

    private static Set<Class<?>> interfaces(Class<?> type) {
        var all = new LinkedHashSet<Class<?>>(Arrays.asList(type.getInterfaces()));
        if (type.getSuperclass() != null) {
            all.addAll(interfaces(type.getSuperclass()));
        }
        return all;
    }
}
