package org.filigree.core.testkit;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.params.provider.ArgumentsSource;

/**
 * Runs a parameterised test once on every expected backend: {@code @ParameterizedTest @EveryBackend void adds(Backend backend)}.
 * In jqwik properties take {@link AnyBackend} instead.
 */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@ArgumentsSource(BackendArguments.class)
public @interface EveryBackend {
    /** {@return names of the expected backends, separated by commas} */
    String value() default TestBackends.BLOCKS;
}
