package org.filigree.core.testkit;

import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.ArgumentsProvider;
import org.junit.jupiter.params.support.AnnotationConsumer;
import org.junit.jupiter.params.support.ParameterDeclarations;

/** The argument of {@link EveryBackend}, shown by the backend's name. */
final class BackendArguments implements ArgumentsProvider, AnnotationConsumer<EveryBackend> {
    private String names = TestBackends.BLOCKS;

    @Override
    public void accept(EveryBackend annotation) {
        names = annotation.value();
    }

    @Override
    public Stream<? extends Arguments> provideArguments(ParameterDeclarations parameters, ExtensionContext context) {
        return TestBackends.all(names).stream().map(backend -> Arguments.of(Named.of(backend.name(), backend)));
    }
}
